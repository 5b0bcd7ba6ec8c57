import type { View } from '../../../deploy/hubspot/src/app/cards/deal/view'

/** The most changes that are told one by one. */
const MOST = 3

/** Whether all that one side says the other says, too. */
export function isToldBy(part: unknown, whole: unknown): boolean {
  if (typeof part !== 'object' || part === null) return part === whole
  if (typeof whole !== 'object' || whole === null || Array.isArray(part) !== Array.isArray(whole)) return false
  if (Array.isArray(part) && part.length !== (whole as unknown[]).length) return false
  return Object.entries(part).every(([name, value]) => isToldBy(value, (whole as Record<string, unknown>)[name]))
}

/** What reads otherwise on a card than on the one before, in a sentence; nothing if nothing does. */
export function changes(before: View, after: View): string {
  if (before.state !== after.state) return 'The card has changed.'
  const [old, now] = [lines(before), lines(after)]
  const gone = [...old.keys()].filter((label) => !now.has(label)).map((label) => `${label}: no longer there`)
  const told = [...now].filter(([label, text]) => old.get(label) !== text).map(([label, text]) => `${label}: ${text}`).concat(gone)
  if (!told.length) return ''
  const more = told.length > MOST ? `, and ${told.length - MOST} more` : ''
  return `Updated. ${told.slice(0, MOST).join('. ')}${more}.`
}

/** What stands on a card, by its labels. How old it is, and how long something takes still, is no part of it. */
function lines(view: View): Map<string, string> {
  if (view.state === 'not-linked') return new Map([[view.amount.label, view.amount.text], ['Stage', view.stage ?? '']])
  if (view.state !== 'card') return new Map()
  const { heading, project, statistics, progress, facts, invoices, support } = view.card
  return new Map([
    ['Deal', heading.deal],
    ['Health', project.health.text],
    ['Status', project.status ?? ''],
    ...[...statistics, progress.complete, progress.burned, ...facts].map(({ label, text }): [string, string] => [label, text]),
    ...invoices.rows.map(({ number, status, amount }): [string, string] => [`Invoice ${number}`, `${status.text}, ${amount.text}`]),
    ...Object.entries({ Open: support.open, Tickets: support.all, Hours: support.hours, Critical: support.critical })
      .map(([label, { text }]): [string, string] => [`${label} (support)`, text]),
  ])
}
