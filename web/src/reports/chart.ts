import { h, svg } from './dom'
import type { Cell, Column, Report, Row } from './feed'
import { isNumeric, places, words } from './figures'

/** Bars at first; a chart of hundreds says less than its table. */
const FEW = 20

/** Horizontal bars, one per row. Rows of different currencies never share an axis. */
export function chart(report: Report, rows: Row[], draw: string | undefined, choose: (column: string) => void): HTMLElement | null {
  if (!report.chart) return null
  const column = (name: string | undefined) => report.columns.find((each) => each.name === name)
  const label = column(report.chart.label)
  const own = column(report.chart.value)
  const chosen = column(draw)
  const value = chosen && isNumeric(chosen) ? chosen : own
  if (!label || !value) return null

  const split = column('currency')
  const groups = new Map<Cell | undefined, Row[]>()
  for (const row of rows) {
    const currency = split ? (row['currency'] ?? null) : undefined
    const group = groups.get(currency)
    if (group) group.push(row)
    else groups.set(currency, [row])
  }
  const options = report.columns.filter(isNumeric).map((each) =>
    h('option', { value: each.name, selected: each === value }, each.label))
  const select = h('select', { id: 'draw', change: () => choose(select.value) }, ...options)
  return h('section', { class: 'card chart', 'aria-label': 'Chart' },
    h('header', {}, h('label', { for: 'draw' }, 'Bars show'), select, h('span', { class: 'muted' }, `by ${label.label[0]?.toLowerCase()}${label.label.slice(1)}`)),
    ...[...groups].map(([currency, group]) => {
      const names = distinct(group, label) ? [label] : report.columns.slice(0, report.columns.indexOf(split ?? value)).filter(({ kind }) => kind === 'text')
      return bars(names, value, group, currency === null ? 'No currency' : currency)
    }))
}

/** Whether every row has a name of its own; a report by two things needs both to name a bar. */
function distinct(rows: Row[], label: Column): boolean {
  return new Set(rows.map((row) => row[label.name])).size === rows.length
}

function bars(names: Column[], value: Column, rows: Row[], currency: Cell | undefined): HTMLElement {
  const scale = places(value, rows)
  // Lengths may be floats; no reader sees the difference.
  const lengths = rows.map((row) => (row[value.name] == null ? null : Number(row[value.name])))
  const axis = axisOf(lengths.filter((each) => each !== null))
  const name = currency === undefined ? '' : String(currency)
  const unit = value.kind === 'percent' ? ' %' : ''

  const grid = h('div', {
    class: 'bars',
    role: 'img',
    'aria-label': `Bar chart: ${value.label} by ${names.map(({ label }) => label).join(', ')}${name && `, ${name}`}. The table below has the same figures.`,
  })
  const draw = (from: number, to: number) =>
    rows.slice(from, to).flatMap((row, index) => {
      const text = names.map((column) => words(column, row[column.name], 0)).join(' · ')
      const figure = words(value, row[value.name], scale)
      const length = lengths[from + index] ?? null
      return [
        h('div', { class: 'name', title: text }, text),
        bar(axis, length, `${text}: ${length === null ? 'unknown' : figure}`),
        h('div', { class: length !== null && length < 0 ? 'figure negative' : 'figure' }, figure),
      ]
    })
  const foot = h('div')
  grid.append(...draw(0, FEW), foot, ticks(axis, unit))

  const rest = rows.length - FEW
  const more = rest > 0 && h('button', { type: 'button', class: 'quiet', click: () => {
    foot.before(...draw(FEW, rows.length))
    if (more) more.remove()
  } }, `Draw the other ${rest}`)
  return h('div', { class: 'group' }, name && h('h3', {}, name), grid, more)
}

interface Axis {
  ticks: number[]
  /** Where a value is, in percent of the width. */
  at: (value: number) => number
}

function axisOf(values: number[]): Axis {
  const low = values.reduce((least, each) => Math.min(least, each), 0)
  const high = values.reduce((most, each) => Math.max(most, each), 0)
  const width = high - low || 1
  const rough = width / 4
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = power * ([1, 2, 5, 10].find((each) => each * power >= rough) ?? 10)
  const ticks: number[] = []
  // Plus 0: there is no -0 on an axis.
  for (let index = Math.ceil(low / step); index * step <= high; index++) ticks.push(index * step + 0)
  return { ticks, at: (value) => ((value - low) / width) * 100 }
}

function bar({ ticks, at }: Axis, value: number | null, title: string): SVGElement {
  const lines = ticks.map((tick) =>
    svg('line', { class: tick === 0 ? 'zero' : 'tick', x1: `${at(tick)}%`, x2: `${at(tick)}%`, y1: 0, y2: '100%' }))
  const start = value === null ? 0 : at(Math.min(0, value))
  const length = value === null ? 100 : at(Math.max(0, value)) - start
  const kind = value === null ? 'unknown' : value < 0 ? 'below' : 'above'
  return svg('svg', { class: 'bar' }, ...lines,
    svg('rect', { class: kind, x: `${start}%`, width: `${length}%`, y: 5, height: 14, rx: 2 }),
    svg('title', {}, title))
}

function ticks({ ticks, at }: Axis, unit: string): SVGElement {
  const short = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 })
  const texts = ticks.map((tick) => {
    const x = at(tick)
    const anchor = x < 4 ? 'start' : x > 96 ? 'end' : 'middle'
    return svg('text', { x: `${x}%`, y: 13, 'text-anchor': anchor }, `${short.format(tick)}${unit}`)
  })
  return svg('svg', { class: 'axis' }, ...texts)
}
