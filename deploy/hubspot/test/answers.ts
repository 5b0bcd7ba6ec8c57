/** Answers as Spine gives them. */

import type { Deal, Financials, Invoice, Project, Source, SourceStatus, Ticket } from '../src/app/cards/deal/answer'

export const NOW = new Date('2026-06-15T14:02:30Z')

export function source(system: string, status: SourceStatus = 'LIVE', asOf: string | null = '2026-06-15T14:02:29Z'): Source {
  return { system, connection: system === 'sap_b1' ? 'sap' : system, recordId: '1', url: null, asOf, status }
}

export function invoice(changes: Partial<Invoice> = {}): Invoice {
  return {
    number: '500101',
    kind: 'INVOICE',
    status: 'OPEN',
    statusLabel: null,
    issueDate: '2026-06-01',
    dueDate: '2026-06-27',
    total: { amount: '12000.00', currency: 'EUR' },
    balance: { amount: '12000.00', currency: 'EUR' },
    source: { url: null },
    ...changes,
  }
}

export function ticket(changes: Partial<Ticket> = {}): Ticket {
  return { status: 'CLOSED', category: 'SUPPORT', openedAt: '2026-03-02T08:00:00Z', hours: '1.5', source: source('redmine'), ...changes }
}

export function project(changes: Partial<Project> = {}): Project {
  return {
    code: 'PRJ-2026-001',
    name: 'Rollout',
    status: 'ACTIVE',
    statusLabel: null,
    health: 'AMBER',
    healthLabel: null,
    healthReason: 'The carrier is late.',
    manager: { name: 'Nora Smith' },
    startDate: '2026-01-12',
    dueDate: '2026-09-30',
    percentComplete: '62.00',
    openCriticalIncidents: 0,
    milestones: [
      { name: 'Concept', status: 'CLOSED', dueDate: '2026-02-27', url: null },
      { name: 'Go-live', status: 'OPEN', dueDate: '2026-09-30', url: 'https://pm.example.com/versions/2' },
      { name: 'Pilot', status: 'OPEN', dueDate: '2026-06-18', url: 'https://pm.example.com/versions/1' },
    ],
    tickets: [ticket(), ticket({ status: 'WAITING', hours: '0.25' }), ticket({ category: 'TASK', hours: '80' })],
    invoices: [invoice()],
    source: { ...source('redmine'), url: 'https://pm.example.com/projects/1' },
    ...changes,
  }
}

export function financials(changes: Partial<Financials> = {}): Financials {
  return {
    contractValue: { amount: '120000.00', currency: 'EUR' },
    invoicedPct: '64.28',
    leftToInvoice: { amount: '42864.00', currency: 'EUR' },
    overdue: { amount: '0.00', currency: 'EUR' },
    forecastMarginPct: '21.5',
    budgetBurnedPct: '71.00',
    completeness: { reasons: [] },
    sources: [source('hubspot'), source('sap_b1'), source('sap_b1')],
    ...changes,
  }
}

export function deal(changes: Partial<Deal> = {}): Deal {
  return {
    id: 'deal:hubspot:900024',
    name: 'Alpen Freight AG: Rollout',
    stage: 'Closed won',
    status: 'WON',
    amount: { amount: '120000.00', currency: 'EUR' },
    closeDate: '2026-01-05',
    client: { name: 'Alpen Freight AG' },
    link: { status: 'LINKED', raw: null, hint: null },
    project: project(),
    financials: financials(),
    source: source('hubspot'),
    ...changes,
  }
}

export function unlinked(changes: Partial<Deal['link']> = {}): Deal {
  const hint = 'the deal carries no project ID: fill the field `project_code` in the CRM'
  return deal({
    link: { status: 'NOT_LINKED', raw: null, hint, ...changes },
    project: null,
    financials: financials({ invoicedPct: null, leftToInvoice: null, overdue: null, forecastMarginPct: null, budgetBurnedPct: null, completeness: { reasons: ['NOT_LINKED'] }, sources: [source('sap_b1', 'NOT_LINKED', null)] }),
  })
}

/** One entry of `errors`. */
export function error(code: string, path: (string | number)[], more: Record<string, unknown> = {}) {
  return { message: `sap: ${code}`, path, extensions: { code, requestId: '5ed58ab824c45040', ...more } }
}

const SAP = { system: 'sap_b1', connection: 'sap' }

/** Every state the card can be in, as the body of an answer. */
export const bodies = {
  whole: { data: { deal: deal() } },
  unlinked: { data: { deal: unlinked() } },
  malformed: { data: { deal: unlinked({ status: 'MALFORMED', raw: 'PRJ2024-039', hint: 'what the deal carries is not a project ID: correct the field `project_code` in the CRM' }) } },
  unknownDeal: { data: { deal: null } },
  notFound: {
    data: {
      deal: deal({
        project: project({ name: null, status: null, health: null, healthReason: null, manager: null, startDate: null, dueDate: null, percentComplete: null, openCriticalIncidents: null, milestones: null, tickets: null, source: source('redmine', 'NOT_FOUND') }),
        financials: financials({ forecastMarginPct: null }),
      }),
    },
  },
  masked: {
    data: { deal: deal({ financials: financials({ forecastMarginPct: null, budgetBurnedPct: null }) }) },
    errors: [error('FIELD_MASKED', ['deal', 'financials', 'forecastMarginPct']), error('FIELD_MASKED', ['deal', 'financials', 'budgetBurnedPct'])],
  },
  stale: {
    data: { deal: deal({ financials: financials({ sources: [source('hubspot'), source('sap_b1', 'STALE', '2026-06-15T12:00:30Z'), source('sap_b1', 'CACHED')] }) }) },
  },
  erpDown: {
    data: {
      deal: deal({
        project: project({ invoices: null }),
        financials: financials({
          invoicedPct: null, leftToInvoice: null, overdue: null, forecastMarginPct: null, budgetBurnedPct: null,
          completeness: { reasons: ['RECEIVABLES_UNAVAILABLE', 'COSTS_UNAVAILABLE'] },
          sources: [source('hubspot'), source('sap_b1', 'UNAVAILABLE', null), source('sap_b1', 'UNAVAILABLE', null)],
        }),
      }),
    },
    errors: [
      error('UPSTREAM_UNAVAILABLE', ['deal', 'project', 'invoices'], { ...SAP, retryAfterMs: 9500 }),
      error('UPSTREAM_UNAVAILABLE', ['deal', 'financials', 'invoicedPct'], SAP),
      error('UPSTREAM_UNAVAILABLE', ['deal', 'financials', 'overdue'], SAP),
    ],
  },
  conflict: {
    data: {
      deal: deal({
        project: project({ name: null, status: null, health: null, manager: null, percentComplete: null, source: source('redmine', 'PARTIAL', null) }),
      }),
    },
    errors: [
      error('DATA_CONFLICT', ['deal', 'project', 'health'], { system: 'redmine', connection: 'redmine' }),
      error('DATA_CONFLICT', ['deal', 'project', 'percentComplete'], { system: 'redmine', connection: 'redmine' }),
    ],
  },
  crmDown: { data: { deal: null }, errors: [error('UPSTREAM_TIMEOUT', ['deal'], { system: 'hubspot', connection: 'hubspot' })] },
  signedOut: { errors: [{ message: 'Who asks is not known.', extensions: { code: 'UNAUTHENTICATED', requestId: 'a28af6a33e16be96' } }] },
  overloaded: { errors: [{ message: 'Too many requests at once.', extensions: { code: 'OVERLOADED', requestId: 'a28af6a33e16be96' } }] },
}
