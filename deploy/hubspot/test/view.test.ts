import { describe, expect, test } from 'vitest'

import { read } from '../src/app/cards/deal/answer'
import { type Card, type View, view } from '../src/app/cards/deal/view'
import { bodies, deal, error, financials, invoice, NOW, project, ticket } from './answers'

/** ICU's narrow spaces differ from one version to the next. */
const plain = (text: string | undefined) => text?.replace(/[\u00a0\u202f]/g, ' ')
const of = (body: unknown, status = 200): View => view(read(status, body), { locale: 'en-US', timeZone: 'UTC', now: NOW })

function card(body: unknown): Card {
  const seen = of(body)
  if (seen.state !== 'card') throw new Error(`state ${seen.state}`)
  return seen.card
}

const statistic = (body: unknown, label: string) => card(body).statistics.find((each) => each.label === label)

test('a whole answer has no notice and no dash', () => {
  const seen = card(bodies.whole)
  expect(seen.notices).toEqual([])
  expect(seen.heading).toEqual({ deal: 'Alpen Freight AG: Rollout', client: 'Alpen Freight AG' })
  expect(seen.project).toEqual({ code: 'PRJ-2026-001', url: 'https://pm.example.com/projects/1', status: 'Running', health: { text: 'Needs attention', tone: 'warn' }, reason: 'The carrier is late.' })
  expect(seen.statistics.map(({ label, text }) => `${label} ${text}`)).toEqual(['Contract value €120,000', 'Invoiced 64.28%', 'Forecast margin 21.5%', 'Overdue €0'])
  expect(seen.facts.map(({ label, text, note }) => [label, text, note])).toEqual([
    ['Project manager', 'Nora Smith', undefined],
    ['Dates', 'Jan 12, 2026 to Sep 30, 2026', undefined],
    ['Next milestone', 'Pilot', 'due in 3 days'],
    ['Last invoice', '500101, Jun 1, 2026', undefined],
  ])
  expect(seen.freshness.map(({ system, text, tone }) => [system, plain(text), tone])).toEqual([
    ['HubSpot', '2:02 PM, live', 'good'],
    ['Redmine', '2:02 PM, live', 'good'],
    ['SAP Business One', '2:02 PM, live', 'good'],
  ])
  expect(JSON.stringify(seen)).not.toContain('–')
})

describe('the gap between work and budget is the message', () => {
  test.each([
    ['62', '71', 'Spending is 9 points ahead of the work.', 'warn'],
    ['62', '72', 'Spending is 10 points ahead of the work.', 'bad'],
    ['62', '63.00', 'Spending is 1 point ahead of the work.', 'warn'],
    ['62', '40.5', 'Spending is 21.5 points behind the work.', 'good'],
    ['50', '50.00', 'Spending keeps pace with the work.', 'good'],
    ['98', '112.02', 'Over budget by 12.02 points. Spending is 14.02 points ahead of the work.', 'bad'],
  ])('%s done, %s burned', (percentComplete, budgetBurnedPct, text, tone) => {
    const { progress } = card({ data: { deal: deal({ project: project({ percentComplete }), financials: financials({ budgetBurnedPct }) }) } })
    expect(progress.gap).toEqual({ text, tone })
  })

  test('there is no bar of what is unknown, and no gap to it', () => {
    const { progress } = card({ data: { deal: deal({ project: project({ percentComplete: null }), financials: financials({ budgetBurnedPct: '165.44' }) }) } })
    expect(progress.burned).toMatchObject({ percent: 165.44, text: '165.44%' })
    expect(progress.complete).toMatchObject({ percent: null, text: '–', known: false, note: 'the project tool states no progress' })
    expect(progress.gap).toEqual({ text: 'Over budget by 65.44 points.', tone: 'bad' })
    const within = card({ data: { deal: deal({ project: project({ percentComplete: null }) }) } }).progress
    expect(within.gap).toBeNull()
  })
})

test('who may not see the margin sees what is left to invoice, and is told', () => {
  expect(card(bodies.masked).statistics.map(({ label }) => label)).toEqual(['Contract value', 'Invoiced', 'Left to invoice', 'Overdue'])
  expect(card(bodies.masked).progress.burned).toMatchObject({ text: '–', percent: null, note: 'not shown for your role' })
  expect(card(bodies.masked).progress.complete.text).toBe('62%')
  expect(card(bodies.masked).notices).toEqual([])
})

test('masked invoices are neither "none" nor an outage', () => {
  const seen = card({ data: { deal: deal({ project: project({ invoices: null }) }) }, errors: [error('FIELD_MASKED', ['deal', 'project', 'invoices'])] })
  expect(seen.invoices).toEqual({ rows: [], more: 0, missing: 'Not shown for your role.' })
  expect(seen.facts.find(({ label }) => label === 'Last invoice')).toMatchObject({ text: '–', note: 'not shown for your role' })
})

test('a field of a list is masked in many places: its error names the field alone', () => {
  const masked = (field: string) => ({ message: `${field} is not shown in the role \`support\``, extensions: { code: 'FIELD_MASKED', field } })
  const seen = card({
    data: { deal: deal({ project: project({ invoices: [invoice({ total: null })], tickets: [ticket({ openedAt: null, hours: null })] }) }) },
    errors: [masked('Invoice.total'), masked('Ticket.openedAt'), masked('Ticket.hours')],
  })
  expect(seen.invoices.rows[0]?.amount).toEqual({ text: '–', known: false, note: 'not shown for your role' })
  expect(seen.support.open).toMatchObject({ text: '–', note: 'not shown for your role' })
  expect(seen.support.hours).toMatchObject({ text: '–', note: 'not shown for your role' })
})

test('a deal that is masked as a whole says so, without a retry', () => {
  expect(of({ data: { deal: null }, errors: [error('FIELD_MASKED', ['deal', 'link'])] })).toMatchObject({ state: 'failed', failure: { title: 'Not shown for your role', retry: false } })
})

test('without the ERP the delivery side stands, and the money is unknown, never 0', () => {
  const seen = card(bodies.erpDown)
  expect(seen.notices).toEqual([{ tone: 'bad', title: 'SAP Business One is not answering', text: 'Invoices and some figures are missing. All else is as its owners say. Worth another try in 10 s.', retry: true }])
  expect(seen.statistics.map(({ text }) => text)).toEqual(['€120,000', '–', '–', '–'])
  expect(seen.statistics[1]?.note).toBe('SAP Business One is not answering')
  expect(seen.statistics[2]?.note).toBe('the costs could not be asked for')
  expect(seen.progress.complete.text).toBe('62%')
  expect(seen.invoices.missing).toBe('SAP Business One is not answering.')
  expect(seen.freshness.find(({ system }) => system === 'SAP Business One')).toEqual({ system: 'SAP Business One', text: 'not answering', tone: 'bad' })
})

test('a value that is old says how old, in a notice and in the footer', () => {
  const seen = card(bodies.stale)
  expect(seen.notices).toMatchObject([{ tone: 'warn', title: 'What SAP Business One says is 2 h old', retry: true }])
  expect(seen.freshness.at(-1)?.tone).toBe('warn')
  expect(plain(seen.freshness.at(-1)?.text)).toBe('12:00 PM, 2 h old: out of date')
  expect(seen.statistics[0]?.text).toBe('€120,000')
})

test('an ID that the project tool does not know is named', () => {
  const seen = card(bodies.notFound)
  expect(seen.notices).toMatchObject([{ tone: 'warn', title: 'PRJ-2026-001 is not in Redmine' }])
  expect(seen.project.health).toEqual({ text: 'No health set', tone: 'plain' })
  expect(seen.invoices.rows).toHaveLength(1)
  expect(seen.facts[2]).toMatchObject({ text: '–', note: 'Redmine does not know the project' })
})

test('two records that claim one ID are a conflict, said once', () => {
  const seen = card(bodies.conflict)
  expect(seen.notices).toMatchObject([{ tone: 'bad', title: 'Redmine holds more than one record for PRJ-2026-001' }])
  expect(seen.progress.complete.note).toBe('Redmine holds more than one record for it')
  expect(seen.project.health.text).toBe('Health unknown')
})

test('a deal without a project names the field to fill', () => {
  expect(of(bodies.unlinked)).toMatchObject({ state: 'not-linked', hint: 'The deal carries no project ID: fill the field `project_code` in the CRM.', raw: null, amount: { text: '€120,000' } })
  expect(of(bodies.malformed)).toMatchObject({ state: 'not-linked', raw: 'PRJ2024-039' })
})

test.each([
  ['the CRM does not know the deal', bodies.unknownDeal, 200, { state: 'not-found', failure: { retry: false } }],
  ['an ID is that of something else', { data: { deal: null }, errors: [error('BAD_REQUEST', ['deal'])] }, 200, { state: 'not-found', failure: { text: 'Sap: BAD_REQUEST.', retry: false } }],
  ['the CRM refuses Spine', { data: { deal: null }, errors: [error('UPSTREAM_AUTH', ['deal'], { system: 'hubspot' })] }, 200, { state: 'failed', failure: { title: 'HubSpot cannot be read' } }],
  ['the CRM is silent', bodies.crmDown, 200, { state: 'failed', failure: { title: 'HubSpot is not answering', code: 'UPSTREAM_TIMEOUT', requestId: '5ed58ab824c45040', retry: true } }],
  ['nobody is signed in', bodies.signedOut, 401, { state: 'signed-out', failure: { title: 'You are not signed in', requestId: 'a28af6a33e16be96' } }],
  ['whoever asks has no role', { errors: [{ message: 'You have no role.', extensions: { code: 'NO_ROLE' } }] }, 403, { state: 'signed-out', failure: { text: 'You have no role.' } }],
  ['the server is busy', bodies.overloaded, 503, { state: 'failed', failure: { code: 'OVERLOADED', requestId: 'a28af6a33e16be96', retry: true } }],
  ['a proxy answers with a page', null, 502, { state: 'failed', failure: { code: 'HTTP 502', retry: true } }],
  ['an answer is no answer', { hello: 1 }, 200, { state: 'failed' }],
  ['an answer is a list', [], 200, { state: 'failed' }],
])('%s', (_, body, status, expected) => {
  expect(of(body, status)).toMatchObject(expected)
})

test('what cannot be reached is said', () => {
  expect(view({ kind: 'unreachable', why: 'No answer.' }, { now: NOW })).toMatchObject({ state: 'failed', failure: { text: 'No answer.', retry: true } })
})

test('at most five invoices: what is late first, then what is due, then what came last', () => {
  const invoices = [
    invoice({ number: 'paid-old', status: 'PAID', issueDate: '2026-01-01' }),
    invoice({ number: 'paid-new', status: 'PAID', issueDate: '2026-05-01' }),
    invoice({ number: 'void', status: 'VOID' }),
    invoice({ number: 'due', dueDate: '2026-06-16' }),
    invoice({ number: 'late', status: 'OVERDUE', dueDate: '2026-05-12' }),
    invoice({ number: 'later', status: 'OVERDUE', dueDate: '2026-06-14' }),
    invoice({ number: '9', kind: 'CREDIT_NOTE', status: 'OPEN', dueDate: '2026-06-20', total: { amount: '12.50', currency: 'EUR' } }),
    invoice({ number: 'strange', status: 'UNKNOWN', statusLabel: 'In dispute', dueDate: null }),
  ]
  const { rows, more } = card({ data: { deal: deal({ project: project({ invoices }) }) } }).invoices
  expect(rows.map(({ number, status, due, amount }) => [number, status.text, due, amount.text])).toEqual([
    ['late', 'Overdue', '34 days late', '€12,000'],
    ['later', 'Overdue', '1 day late', '€12,000'],
    ['due', 'Open', 'due in 1 day', '€12,000'],
    ['Credit note 9', 'Open', 'issued Jun 1, 2026', '-€12.50'],
    ['strange', 'In dispute', 'no due date', '€12,000'],
  ])
  expect(more).toBe(2)
})

test('support counts what was opened after the close, by exact hours', () => {
  const tickets = [
    ticket({ openedAt: '2026-01-05T10:00:00Z', hours: '100' }),
    ticket({ hours: '0.1' }), ticket({ hours: '0.2', status: 'NEW', category: 'INCIDENT' }), ticket({ category: 'CHANGE_REQUEST', hours: '7' }),
  ]
  const { support } = card({ data: { deal: deal({ project: project({ tickets, openCriticalIncidents: 2 }) }) } })
  expect(support).toMatchObject({ title: 'Support since Jan 5, 2026', open: { text: '1' }, all: { text: '2' }, hours: { text: '0.3 h' }, critical: { text: '2', tone: 'bad' } })
})

test('hours that one ticket does not state are unknown', () => {
  const { support } = card({ data: { deal: deal({ project: project({ tickets: [ticket(), ticket({ hours: null })] }) }) } })
  expect(support.hours).toEqual({ text: '–', known: false, note: 'a ticket states no hours' })
  const undated = card({ data: { deal: deal({ project: project({ tickets: [ticket({ openedAt: null })] }) }) } }).support
  expect(undated.open).toMatchObject({ text: '–', note: 'a ticket has no opening date' })
})

test('a figure that its records withhold says why', () => {
  const withheld = { data: { deal: deal({ financials: financials({ overdue: null, completeness: { reasons: ['MISSING_DUE_DATE'] } }) }) } }
  expect(statistic(withheld, 'Overdue')).toMatchObject({ text: '–', note: 'an open invoice has no due date' })
  const early = { data: { deal: deal({ financials: financials({ forecastMarginPct: null }) }) } }
  expect(statistic(early, 'Forecast margin')).toMatchObject({ text: '–', note: 'needs progress and cost' })
})

test('what is known to be none is no dash', () => {
  const bare = project({ manager: null, startDate: null, dueDate: null, milestones: [], invoices: [], tickets: [] })
  const seen = card({ data: { deal: deal({ project: bare }) } })
  expect(seen.facts.map(({ text, known }) => [text, known])).toEqual([['Nobody named', true], ['None planned', true], ['None planned', true], ['None yet', true]])
  expect(seen.invoices.missing).toBe('None yet.')
  expect(seen.support).toMatchObject({ open: { text: '0' }, hours: { text: '0 h' } })
  const done = project({ milestones: [{ name: 'Go-live', status: 'CLOSED', dueDate: '2026-05-01', url: null }] })
  expect(card({ data: { deal: deal({ project: done }) } }).facts[2]).toMatchObject({ text: 'All reached', known: true })
})

test('an open deal says that its own amount is no contract yet', () => {
  const open = { data: { deal: deal({ status: 'OPEN', financials: financials({ contractValue: { amount: '0', currency: 'EUR' } }) }) } }
  expect(statistic(open, 'Contract value')).toMatchObject({ text: '€0', note: 'this deal is open: €120,000' })
})
