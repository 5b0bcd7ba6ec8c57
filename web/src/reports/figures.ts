/** Figures for people. What is shown is made from the text of a number, digit by digit; no float comes between. */

import type { Cell, Column, Row } from './feed'

const UNKNOWN = '–'
const LATIN = { numberingSystem: 'latn' } as const
const whole = new Intl.NumberFormat(undefined, LATIN)
const sample = new Intl.NumberFormat(undefined, LATIN).formatToParts(-1.5)
const MINUS = sample.find(({ type }) => type === 'minusSign')?.value ?? '-'
const POINT = sample.find(({ type }) => type === 'decimal')?.value ?? '.'
const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeZone: 'UTC' })
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })

export function isNumeric({ kind }: Column): boolean {
  return kind === 'count' || kind === 'amount' || kind === 'percent' || kind === 'number'
}

/** A decimal in the reader's spelling, with at least `places` places: none is ever cut off. */
export function decimal(text: string, places = 0): string {
  const negative = text.startsWith('-')
  const [digits = '0', fraction = ''] = (negative ? text.slice(1) : text).split('.')
  const shown = fraction.padEnd(places, '0')
  return `${negative ? MINUS : ''}${whole.format(BigInt(digits))}${shown && POINT + shown}`
}

/** How many places the cells of a column are shown with, so that their points stand below each other. */
export function places(column: Column, rows: Row[]): number {
  if (!isNumeric(column) || column.kind === 'count') return 0
  const longest = rows.map((row) => String(row[column.name] ?? '').split('.')[1]?.length ?? 0)
  const least = column.kind === 'amount' ? rows.map((row) => minorUnits(row['currency'])) : []
  // One by one: a list as arguments has its limits.
  return [...longest, ...least].reduce((most, each) => Math.max(most, each), 0)
}

/** How a cell reads. */
export function words(column: Column, cell: Cell | undefined, places: number): string {
  if (cell === null || cell === undefined) return UNKNOWN
  switch (column.kind) {
    case 'percent':
      return `${decimal(String(cell), places)} %`
    case 'count':
    case 'amount':
    case 'number':
      return decimal(String(cell), places)
    case 'date':
      return day.format(new Date(`${cell}T00:00:00Z`))
    case 'moment':
      return moment.format(new Date(String(cell)))
    case 'flag':
      return cell === true || cell === 'true' ? 'Yes' : 'No'
    case 'text':
      return String(cell)
  }
}

/** Orders two cells of a column that are known. */
export function compare(column: Column, one: Cell, other: Cell): number {
  if (!isNumeric(column)) return String(one).localeCompare(String(other), undefined, { numeric: column.kind === 'text' })
  const [left, right] = [scaled(String(one)), scaled(String(other))]
  return left < right ? -1 : left > right ? 1 : 0
}

/** A decimal times 10^12, which is more places than any cell has. */
function scaled(text: string): bigint {
  const [digits = '0', fraction = ''] = text.split('.')
  return BigInt(digits + fraction.slice(0, 12).padEnd(12, '0'))
}

function minorUnits(currency: Cell | undefined): number {
  try {
    return new Intl.NumberFormat('en', { style: 'currency', currency: String(currency) }).resolvedOptions().maximumFractionDigits ?? 2
  } catch {
    return 2
  }
}
