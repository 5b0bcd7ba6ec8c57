import { h } from './dom'
import { type Filter, FILTERS, type Report, type Row } from './feed'

type Name = (typeof FILTERS)[number]

/** The choice of deals. It stays on the page while reports come and go. */
export class Filters {
  readonly element: HTMLFormElement
  private readonly fields: Record<Name, HTMLInputElement | HTMLSelectElement>
  private readonly clear: HTMLButtonElement

  constructor(private readonly changed: (filter: Filter) => void) {
    const text = (name: Name, size: number) => h('input', { name, id: name, size, list: `known-${name}`, autocomplete: 'off', placeholder: 'any' })
    const date = (name: Name) => h('input', { name, id: name, type: 'date' })
    this.fields = {
      currency: h('input', {
        name: 'currency', id: 'currency', size: 6, list: 'known-currency', autocomplete: 'off', placeholder: 'as is', pattern: '[A-Za-z]{3}',
      }),
      from: date('from'),
      to: date('to'),
      status: h('select', { name: 'status', id: 'status' },
        ...['', 'open', 'won', 'lost'].map((value) => h('option', { value }, value ? value[0]?.toUpperCase() + value.slice(1) : 'Any'))),
      vertical: text('vertical', 12),
      deal_type: text('deal_type', 12),
      pipeline: text('pipeline', 12),
    }
    this.clear = h('button', { type: 'button', class: 'quiet', id: 'clear', click: () => this.changed({}) }, 'Clear')
    const labels: Record<Name, string> = {
      currency: 'Currency', from: 'Closed from', to: 'to', status: 'Status', vertical: 'Vertical', deal_type: 'Deal type', pipeline: 'Pipeline',
    }
    const lists = FILTERS.filter((name) => this.fields[name].hasAttribute('list')).map((name) => h('datalist', { id: `known-${name}` }))
    this.element = h('form', {
      class: 'filters', 'aria-label': 'Filters',
      change: () => this.read(),
      submit: (event) => {
        event.preventDefault()
        this.read()
      },
    }, ...FILTERS.map((name) => h('div', { class: `field ${name}` }, h('label', { for: name }, labels[name]), this.fields[name])), this.clear, ...lists)
  }

  /** Says what the fields mean, in the gateway's words. */
  explain(parameters: { name: string; description: string }[]): void {
    for (const { name, description } of parameters) if (isFilter(name)) this.fields[name].title = description
  }

  /** Shows a choice, e.g. the one in the page's address. */
  show(filter: Filter): void {
    for (const name of FILTERS) this.fields[name].value = filter[name] ?? ''
    this.clear.classList.toggle('gone', !Object.keys(filter).length)
  }

  /** Learns which values there are, to offer them. */
  learn(report: Report, rows: Row[]): void {
    for (const name of FILTERS) {
      const list = this.element.querySelector(`#known-${name}`)
      if (!list || !report.columns.some((column) => column.name === name)) continue
      const known = new Set([...list.querySelectorAll('option')].map(({ value }) => value))
      for (const row of rows) {
        const value = row[name]
        if (typeof value !== 'string' || value.startsWith('(') || known.has(value)) continue
        known.add(value)
        list.append(h('option', { value }))
      }
    }
  }

  private read(): void {
    if (!this.element.reportValidity()) return
    const filter: Filter = {}
    for (const name of FILTERS) {
      const value = this.fields[name].value.trim()
      if (value) filter[name] = name === 'currency' ? value.toUpperCase() : value
    }
    this.changed(filter)
  }
}

function isFilter(name: string): name is Name {
  return (FILTERS as readonly string[]).includes(name)
}
