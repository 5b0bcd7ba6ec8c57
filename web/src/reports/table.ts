import { h } from './dom'
import { drill } from './drill'
import type { Column, Filter, Report, Row } from './feed'
import { compare, isNumeric, places, words } from './figures'
import { meaning } from './provenance'

/** Rows at first: a browser takes long over thousands. */
const FEW = 300

/** The rows in the order of `sort`. What is unknown comes last, and amounts are compared within a currency only. */
export function sorted(report: Report, rows: Row[], sort: string | undefined): Row[] {
  const down = sort?.startsWith('-') ?? false
  const column = report.columns.find(({ name }) => name === (down ? sort?.slice(1) : sort))
  if (!column) return rows
  return [...rows].sort((one, other) => {
    const [left, right] = [one[column.name] ?? null, other[column.name] ?? null]
    if (left === null || right === null) return Number(left === null) - Number(right === null)
    const currencies = column.kind === 'amount' ? String(one['currency']).localeCompare(String(other['currency'])) : 0
    return currencies || compare(column, left, right) * (down ? -1 : 1)
  })
}

/** The rows, as they were sorted. */
export function table(report: Report, rows: Row[], filter: Filter, sort: string | undefined, order: (sort: string) => void): HTMLElement {
  const columns = report.columns.map((column) => ({ column, places: places(column, rows) }))
  const draw = (from: number, to?: number) => rows.slice(from, to).map((row) =>
    h('tr', {}, ...columns.map(({ column, places }, index) => cell(column, row, places, index === 0, filter))))
  const body = h('tbody', {}, ...draw(0, FEW))
  const rest = rows.length - FEW
  const more = rest > 0 && h('button', { type: 'button', class: 'quiet', click: () => {
    body.append(...draw(FEW))
    if (more) more.remove()
  } }, `Show the other ${rest} rows`)
  return h('section', { class: 'card', 'aria-label': 'Table' },
    // It scrolls by itself, so it must be reachable by keyboard.
    h('div', { class: 'scroll', tabindex: 0 },
      h('table', { id: 'rows' },
        h('caption', {}, report.question),
        h('thead', {}, h('tr', {}, ...report.columns.map((column) => head(column, sort, order)))),
        body)),
    more,
    h('details', { class: 'meanings' },
      h('summary', {}, `What the ${columns.length} columns mean`),
      h('dl', {}, ...report.columns.flatMap(({ label, name, description }) =>
        [h('dt', {}, label, ' ', h('code', {}, name)), h('dd', {}, description)]))))
}

function head(column: Column, sort: string | undefined, order: (sort: string) => void): HTMLElement {
  const { name, label, description } = column
  const up = sort === name
  const down = sort === `-${name}`
  // Figures start with the greatest, texts with A.
  const next = isNumeric(column) ? (down ? name : `-${name}`) : up ? `-${name}` : name
  return h('th', { scope: 'col', class: column.kind, 'aria-sort': up ? 'ascending' : down ? 'descending' : 'none' },
    h('button', { type: 'button', title: description, 'data-column': name, click: () => order(next) },
      label, h('span', { class: 'arrow', 'aria-hidden': 'true' }, up ? '▲' : down ? '▼' : '')))
}

function cell(column: Column, row: Row, places: number, first: boolean, filter: Filter): HTMLElement {
  const value = row[column.name] ?? null
  const text = words(column, value, places)
  const negative = isNumeric(column) && String(value).startsWith('-')
  const target = drill(column.name, value, filter)
  const content = () => {
    if (value === null) return h('span', { class: 'unknown', title: 'unknown', 'aria-label': 'unknown' }, text)
    if (target) return h('a', { href: target.href, title: target.title }, text)
    if (isNumeric(column)) return h('data', { value: String(value) }, text)
    return column.name === 'reasons' ? h('span', { title: text.split(' ').map(meaning).join('\n') }, text) : text
  }
  return h(first ? 'th' : 'td', { scope: first && 'row', class: `${column.kind}${negative ? ' negative' : ''}` }, content())
}
