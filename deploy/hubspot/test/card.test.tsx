import { createRenderer, type RenderedNode } from '@hubspot/ui-extensions/testing'
import {
  Alert, Button, DescriptionListItem, EmptyState, ErrorState, Link, LoadingButton, LoadingSpinner, ProgressBar, StatisticsItem, StatusTag, Table, TableRow,
} from '@hubspot/ui-extensions'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

import { DealCard } from '../src/app/cards/DealCard'
import { SPINE } from '../src/app/cards/spine'
import { bodies, deal, financials, NOW, project } from './answers'

const fetched = vi.fn()

beforeEach(() => {
  vi.useFakeTimers({ now: NOW, toFake: ['Date', 'setInterval', 'clearInterval'] })
  // What HubSpot puts into the card's worker.
  vi.stubGlobal('self', { hsFetch: fetched })
})

afterEach(() => {
  fetched.mockReset()
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

const reply = (body: unknown, status = 200) => ({ ok: status < 300, status, json: async () => body })

/** All text below a node. */
function words(node: RenderedNode): string {
  return 'childNodes' in node ? node.childNodes.map(words).join(' ') : (node.text ?? '')
}

/** The card on a deal's page, once it has its answer. */
async function shown(body: unknown, status = 200) {
  fetched.mockResolvedValue(reply(body, status))
  const renderer = createRenderer('crm.record.tab')
  renderer.render(<DealCard deal="900024" locale="en-us" timeZone="UTC" />)
  await renderer.waitFor(() => {
    if (renderer.maybeFind(LoadingSpinner)) throw new Error('loading')
  })
  return renderer
}

test('asks one stored operation, with the deal’s ID alone and no header of its own', async () => {
  await shown(bodies.whole)
  expect(fetched.mock.calls).toEqual([
    [`${SPINE}/graphql/p/deal-card`, { method: 'POST', timeout: 14_000, body: { variables: { by: { id: '900024' } } } }],
  ])
})

test('while it waits every section says that it is loading', () => {
  fetched.mockReturnValue(new Promise(() => {}))
  const renderer = createRenderer('crm.record.tab')
  renderer.render(<DealCard deal="900024" />)
  expect(renderer.findAll(LoadingSpinner).map(({ props }) => props.label)).toEqual(['Project …', 'Figures …', 'Progress …', 'Invoices …', 'Support …'])
})

describe('a whole answer', () => {
  test('project, health and its reason', async () => {
    const card = await shown(bodies.whole)
    expect(card.find(Link).props.href).toEqual({ url: 'https://pm.example.com/projects/1', external: true })
    expect(card.find(Link).text).toBe('PRJ-2026-001')
    expect(card.find(StatusTag)).toMatchObject({ text: 'Needs attention', props: { variant: 'warning' } })
    expect(words(card.getRootNode())).toContain('The carrier is late.')
    expect(card.maybeFind(Alert)).toBeNull()
  })

  test('four figures, two bars and their gap', async () => {
    const card = await shown(bodies.whole)
    expect(card.findAll(StatisticsItem).map(({ props }) => [props.label, props.number])).toEqual([
      ['Contract value', '€120,000'], ['Invoiced', '64.28%'], ['Forecast margin', '21.5%'], ['Overdue', '€0'],
    ])
    expect(card.findAll(ProgressBar).map(({ props }) => [props.title, props.value, props.valueDescription, props.variant])).toEqual([
      ['Work complete', 62, '62%', undefined], ['Budget burned', 71, '71%', 'warning'],
    ])
    expect(words(card.getRootNode())).toContain('Spending is 9 points ahead of the work.')
  })

  test('facts, invoices, support and freshness', async () => {
    const card = await shown(bodies.whole)
    expect(card.findAll(DescriptionListItem).map(({ props }) => props.label)).toEqual(
      ['Project manager', 'Dates', 'Next milestone', 'Last invoice', 'Open', 'Tickets', 'Hours', 'Critical incidents'])
    // The head and one invoice.
    expect(card.find(Table).findAll(TableRow)).toHaveLength(2)
    expect(words(card.find(Table))).toContain('due in 12 days')
    expect(words(card.getRootNode())).toContain('Support since Jan 5, 2026')
    expect(card.findAll(StatusTag).map(({ text }) => text).filter((text) => text?.includes('live'))).toHaveLength(3)
  })
})

test('numbers are written by the account’s locale', async () => {
  fetched.mockResolvedValue(reply(bodies.whole))
  const renderer = createRenderer('crm.record.tab')
  renderer.render(<DealCard deal="900024" locale="de-de" timeZone="Europe/Berlin" />)
  await renderer.waitFor(() => renderer.find(StatisticsItem))
  expect(renderer.findAll(StatisticsItem).map(({ props }) => String(props.number).replace(/\s/g, ' '))).toEqual(['120.000 €', '64,28 %', '21,5 %', '0 €'])
  expect(words(renderer.getRootNode())).toContain('16:02, live')
})

test('a deal without a project names the field to fill', async () => {
  const card = await shown(bodies.malformed)
  expect(card.find(EmptyState).props.title).toBe('Not linked to a project yet')
  expect(words(card.find(EmptyState))).toContain('correct the field “project_code” in the CRM')
  expect(words(card.find(EmptyState))).toContain('“PRJ2024-039”')
  expect(card.find(LoadingButton).text).toBe('Refresh')
})

test('an ID that the project tool does not know is named, and the money still shown', async () => {
  const card = await shown(bodies.notFound)
  expect(card.find(Alert).props).toMatchObject({ title: 'PRJ-2026-001 is not in Redmine', variant: 'warning' })
  expect(card.find(StatisticsItem).props.number).toBe('€120,000')
})

test('what the role may not see is a dash with the reason, and the margin gives way', async () => {
  const card = await shown(bodies.masked)
  expect(card.findAll(StatisticsItem)[2]?.props).toMatchObject({ label: 'Left to invoice', number: '€42,864' })
  expect(words(card.getRootNode())).toContain('Budget burned: – (not shown for your role)')
  expect(card.findAll(ProgressBar)).toHaveLength(1)
})

test('a bar is never longer than its track', async () => {
  const card = await shown({ data: { deal: deal({ financials: financials({ budgetBurnedPct: '165.44' }) }) } })
  expect(card.findAll(ProgressBar)[1]?.props).toMatchObject({ value: 100, maxValue: 100, valueDescription: '165.44%', variant: 'danger' })
})

test('an old value keeps its place and says how old it is', async () => {
  const card = await shown(bodies.stale)
  expect(card.find(Alert).props).toMatchObject({ title: 'What SAP Business One says is 2 h old', variant: 'warning' })
  expect(card.find(StatisticsItem).props.number).toBe('€120,000')
})

test('a silent system is named, the rest is shown, and a click asks again', async () => {
  const card = await shown(bodies.erpDown)
  expect(card.find(Alert).props).toMatchObject({ title: 'SAP Business One is not answering', variant: 'danger' })
  expect(card.findAll(StatisticsItem).map(({ props }) => props.number)).toEqual(['€120,000', '–', '–', '–'])
  expect(card.findAll(ProgressBar)).toHaveLength(1)
  fetched.mockResolvedValue(reply(bodies.whole))
  card.find(Button, { size: 'xs', variant: 'secondary' }).trigger('onClick')
  await card.waitFor(() => {
    if (card.maybeFind(Alert)) throw new Error('still there')
  })
  expect(fetched).toHaveBeenCalledTimes(2)
  expect(card.findAll(StatisticsItem)[3]?.props.number).toBe('€0')
})

test('two records for one ID are a conflict', async () => {
  const card = await shown(bodies.conflict)
  expect(card.find(Alert).props).toMatchObject({ title: 'Redmine holds more than one record for PRJ-2026-001', variant: 'danger' })
})

test.each([
  ['an unknown deal', bodies.unknownDeal, 200, 'The CRM does not know this deal', 'support', false],
  ['a silent CRM', bodies.crmDown, 200, 'HubSpot is not answering', 'error', true],
  ['nobody signed in', bodies.signedOut, 401, 'You are not signed in', 'lock', true],
  ['no role', { errors: [] }, 403, 'This is not yours to see', 'lock', true],
  ['a busy server', bodies.overloaded, 503, 'No figures rather than wrong ones', 'error', true],
  ['too many requests by HubSpot’s count', {}, 429, 'No figures rather than wrong ones', 'error', true],
])('%s', async (_, body, status, title, type, retry) => {
  const card = await shown(body, status)
  expect(card.find(ErrorState).props).toMatchObject({ title, type })
  expect(card.maybeFind(LoadingButton) !== null).toBe(retry)
  expect(card.maybeFind(StatisticsItem)).toBeNull()
})

test('a failure names the request, for whoever is asked for help', async () => {
  const card = await shown(bodies.crmDown)
  expect(words(card.find(ErrorState))).toContain('Code UPSTREAM_TIMEOUT · Request 5ed58ab824c45040')
})

test('no answer at all is a failure with a way out', async () => {
  fetched.mockRejectedValue(new Error('timeout'))
  const renderer = createRenderer('crm.record.tab')
  renderer.render(<DealCard deal="900024" />)
  await renderer.waitFor(() => renderer.find(ErrorState))
  expect(renderer.find(ErrorState).props.title).toBe('Spine cannot be reached')
  fetched.mockResolvedValue(reply(bodies.whole))
  renderer.find(LoadingButton).trigger('onClick')
  await renderer.waitFor(() => renderer.find(StatisticsItem))
})

test('the answer to an earlier question does not take the place of a later one’s', async () => {
  const card = await shown(bodies.whole)
  let late: (reply: unknown) => void = () => {}
  fetched.mockReturnValueOnce(new Promise((resolve) => (late = resolve)))
  card.find(LoadingButton).trigger('onClick')
  await card.waitFor(() => {
    if (!card.find(LoadingButton).props.loading) throw new Error('not asking')
  })
  fetched.mockResolvedValue(reply({ data: { deal: deal({ project: project({ healthReason: 'The later one.' }) }) } }))
  card.find(LoadingButton).trigger('onClick')
  await card.waitFor(() => expect(words(card.getRootNode())).toContain('The later one.'))
  late(reply({ data: { deal: deal({ project: project({ healthReason: 'The earlier one.' }) }) } }))
  await Promise.resolve()
  expect(words(card.getRootNode())).not.toContain('The earlier one.')
})
