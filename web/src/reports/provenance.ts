import { h } from './dom'
import type { Answer, Completeness } from './feed'

/** Where figures come from and how whole they are, in one line. */
export function provenance(answer: Answer, refresh: () => void): HTMLElement {
  const { asOf, completeness, rates } = answer
  const age = h('span', {}, old(answer))
  // As long as it is on the page.
  const timer = setInterval(() => (age.isConnected ? (age.textContent = old(answer)) : clearInterval(timer)), 10_000)
  const time = asOf && new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' }).format(asOf)
  return h('div', { class: 'provenance', role: 'status' },
    h('span', {}, 'As of ', asOf ? h('time', { datetime: asOf.toISOString(), title: asOf.toISOString() }, time) : 'an unknown time', ' (', age, ')'),
    completeness && whole(completeness),
    h('span', {}, rates ? `Converted by the rates of ${rates.date} (${rates.source})` : 'Nothing converted by a rate table'),
    h('button', { type: 'button', class: 'quiet', id: 'refresh', click: refresh }, 'Refresh'))
}

function whole({ included, excluded, reasons }: Completeness): HTMLElement {
  const number = new Intl.NumberFormat()
  if (!excluded) return h('span', { class: 'whole' }, `All ${number.format(included)} projects in the figures`)
  return h('details', { class: 'partial' },
    h('summary', {}, `${number.format(included)} projects in the figures, ${number.format(excluded)} not`),
    h('ul', {}, ...reasons.map((code) => h('li', {}, meaning(code)))))
}

/** A reason in words. */
export function meaning(code: string): string {
  return REASONS[code] ?? code.toLowerCase().replaceAll('_', ' ')
}

function old({ age, arrived, asOf }: Answer): string {
  // The browser may have kept the answer for a while: the time of reading says so where `Age` does not.
  const since = Math.max(age * 1000 + Date.now() - arrived, asOf ? Date.now() - asOf.getTime() : 0)
  const seconds = Math.floor(since / 1000)
  if (seconds < 10) return 'just now'
  if (seconds < 90) return `${seconds} s old`
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min old`
  return `${Math.round(seconds / 3600)} h old`
}

const REASONS: Record<string, string> = {
  COMMERCIAL_UNAVAILABLE: 'The owner of deals did not answer.',
  RECEIVABLES_UNAVAILABLE: 'The owner of invoices did not answer.',
  COSTS_UNAVAILABLE: 'The owner of costs did not answer.',
  NOT_LINKED: 'A deal carries no usable project ID.',
  NOT_IN_COMMERCIAL: 'No deal carries the project’s ID.',
  NOT_IN_RECEIVABLES: 'The owner of invoices does not know the project.',
  NOT_IN_COSTS: 'The owner of costs does not know the project.',
  NOT_FOUND_BY_ID: 'The owner of deals does not find a deal by its project ID, e.g. for its spelling.',
  MISSING_AMOUNT: 'A record has no amount.',
  MISSING_CURRENCY: 'An amount has no currency.',
  UNREADABLE_AMOUNT: 'An amount cannot be read.',
  UNKNOWN_STATE: 'It cannot be told whether a deal or a document counts.',
  MIXED_CURRENCIES: 'Amounts of one project share no currency, and there is no rate between them.',
  MISSING_DUE_DATE: 'An open invoice has no readable due date.',
}
