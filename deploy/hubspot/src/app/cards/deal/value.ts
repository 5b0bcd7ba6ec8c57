/** Values as the card shows them: a text, or a dash with the reason for it. */

import type { Financials, Money, Problem } from './answer'
import { type Figures, UNKNOWN } from './figures'
import { because, reason, type Tone } from './words'

/** A value as it is shown. What is not known is a dash, and `note` says why. */
export interface Value {
  text: string
  known: boolean
  note?: string | undefined
  tone?: Tone | undefined
  url?: string | undefined
}

export interface Labelled extends Value {
  label: string
}

/** Why something at a place of the answer is null; undefined if nobody said. */
export type Why = (path: string) => Problem | undefined

/** A value, or a dash with the reason for it. */
export function shown(text: string | null | undefined | false, problem: Problem | undefined, otherwise?: string): Value {
  if (typeof text === 'string') return { text, known: true }
  return { text: UNKNOWN, known: false, note: problem ? because(problem) : otherwise }
}

/** `due in 12 days` */
export function due(date: string, figures: Figures): string {
  const left = figures.daysTo(date)
  if (left === 0) return 'due today'
  return left > 0 ? `due in ${days(left, figures)}` : `${days(-left, figures)} late`
}

export function days(count: number, figures: Figures): string {
  return count === 1 ? '1 day' : `${figures.count(count)} days`
}

export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? '' : '.')
}

export function amount(money: Money | null, problem: Problem | undefined, figures: Figures): Value {
  return shown(money && figures.money(money), problem)
}

/** The reasons that can make a figure unknown. */
const SOLD = ['COMMERCIAL_UNAVAILABLE', 'NOT_IN_COMMERCIAL', 'NOT_FOUND_BY_ID']
const BILLED = ['RECEIVABLES_UNAVAILABLE', 'NOT_IN_RECEIVABLES']
const SPENT = ['COSTS_UNAVAILABLE', 'NOT_IN_COSTS']
const ANY = ['UNKNOWN_STATE', 'UNREADABLE_AMOUNT', 'MISSING_CURRENCY', 'MISSING_AMOUNT', 'NOT_WHOLE', 'MIXED_CURRENCIES']
export const WITHHOLDS = {
  contractValue: [...SOLD, ...ANY],
  leftToInvoice: [...BILLED, ...SOLD, ...ANY],
  invoicedPct: [...BILLED, ...SOLD, ...ANY],
  overdue: [...BILLED, 'MISSING_DUE_DATE', ...ANY],
  forecastMarginPct: [...SPENT, ...SOLD, ...ANY],
  budgetBurnedPct: [...SPENT, ...SOLD, ...ANY],
}

/** Why a figure is null, as far as its completeness says. */
export function withheld(financials: Financials | null, by: string[]): string | undefined {
  const said = financials?.completeness?.reasons ?? []
  const first = by.find((code) => said.includes(code))
  return first && reason(first)
}
