/** The words of the card: names of systems, states, and why something is not known. */

import type { Invoice, Problem, Project, Source } from './answer'

/** How much a state matters to whoever looks. */
export type Tone = 'good' | 'warn' | 'bad' | 'info' | 'plain'

export interface Tag {
  text: string
  tone: Tone
}

const SYSTEMS: Record<string, string> = {
  hubspot: 'HubSpot',
  netsuite: 'NetSuite',
  odata: 'OData',
  odoo: 'Odoo',
  quickbooks: 'QuickBooks',
  redmine: 'Redmine',
  sap_b1: 'SAP Business One',
  tryton: 'Tryton',
}

/** A system as people call it: by its product, or by its name in the configuration where that says more. */
export function systemName({ system, connection }: { system: string | null; connection: string | null }): string {
  return (system && SYSTEMS[system]) ?? connection ?? system ?? 'A system'
}

/** The state that a project's delivery team gave it. */
export function health({ health, healthLabel }: Project): Tag {
  switch (health) {
    case 'GREEN':
      return { text: 'On course', tone: 'good' }
    case 'AMBER':
      return { text: 'Needs attention', tone: 'warn' }
    case 'RED':
      return { text: 'In trouble', tone: 'bad' }
    case 'UNKNOWN':
      return { text: healthLabel ?? 'Health unknown', tone: 'plain' }
    case null:
      return { text: 'No health set', tone: 'plain' }
  }
}

export function projectStatus({ status, statusLabel }: Project): string | null {
  switch (status) {
    case 'PLANNED':
      return 'Planned'
    case 'ACTIVE':
      return 'Running'
    case 'ON_HOLD':
      return 'On hold'
    case 'COMPLETED':
      return 'Completed'
    case 'CANCELLED':
      return 'Cancelled'
    case 'UNKNOWN':
      return statusLabel
    case null:
      return null
  }
}

export function invoiceStatus({ status, statusLabel }: Invoice): Tag {
  switch (status) {
    case 'DRAFT':
      return { text: 'Draft', tone: 'plain' }
    case 'OPEN':
      return { text: 'Open', tone: 'info' }
    case 'PARTIALLY_PAID':
      return { text: 'Partly paid', tone: 'info' }
    case 'PAID':
      return { text: 'Paid', tone: 'good' }
    case 'OVERDUE':
      return { text: 'Overdue', tone: 'bad' }
    case 'VOID':
      return { text: 'Void', tone: 'plain' }
    case 'UNKNOWN':
      return { text: statusLabel ?? 'Unknown state', tone: 'plain' }
  }
}

/** Codes of what passes by itself: the system could not be asked, this time. */
const NOT_ANSWERING = ['UPSTREAM_TIMEOUT', 'UPSTREAM_UNAVAILABLE', 'UPSTREAM_RATE_LIMITED', 'CIRCUIT_OPEN', 'DEADLINE_EXCEEDED', 'OVERLOADED']

export function isNotAnswering({ code }: Problem): boolean {
  return NOT_ANSWERING.includes(code)
}

export function isMasked({ code }: Problem): boolean {
  return code === 'FIELD_MASKED'
}

/** Why a value is not there, for the line below its dash. */
export function because(problem: Problem): string {
  const system = systemName(problem)
  if (isMasked(problem)) return 'not shown for your role'
  if (isNotAnswering(problem)) return `${system} is not answering`
  switch (problem.code) {
    case 'DATA_CONFLICT':
      return `${system} holds more than one record for it`
    case 'DATA_INVALID':
      return `what ${system} states cannot be read`
    case 'UPSTREAM_FORBIDDEN':
      return `${system} does not show it to Spine`
    case 'NOT_OWNED':
      return 'no system keeps it'
    default:
      return `${system} could not be read`
  }
}

/** Why a figure of several records is not known, by the server's reasons for figures that are null. */
const REASONS: Record<string, string> = {
  MISSING_AMOUNT: 'a record has no amount',
  MISSING_CURRENCY: 'an amount has no currency',
  UNREADABLE_AMOUNT: 'an amount cannot be read',
  MISSING_DUE_DATE: 'an open invoice has no due date',
  UNKNOWN_STATE: 'a record is in a state nobody has mapped',
  NOT_FOUND_BY_ID: 'the CRM does not find the deal by its project ID',
  MIXED_CURRENCIES: 'the amounts share no currency',
  MISSING_RATE: 'there is no exchange rate',
  NOT_WHOLE: 'not all records could be read',
  COMMERCIAL_UNAVAILABLE: 'the deals could not be asked for',
  RECEIVABLES_UNAVAILABLE: 'the invoices could not be asked for',
  COSTS_UNAVAILABLE: 'the costs could not be asked for',
  NOT_IN_COMMERCIAL: 'no deal carries the project ID',
  NOT_IN_RECEIVABLES: 'the books do not know the project',
  NOT_IN_COSTS: 'the books do not know the project',
  NOT_LINKED: 'the deal is not linked to a project',
}

export function reason(code: string): string | undefined {
  return REASONS[code]
}

/** What a source that is not simply fine says. */
export function sourceTone({ status }: Source): Tone {
  switch (status) {
    case 'LIVE':
    case 'CACHED':
      return 'good'
    case 'NOT_LINKED':
      return 'plain'
    case 'STALE':
    case 'PARTIAL':
    case 'NOT_FOUND':
      return 'warn'
    case 'FORBIDDEN':
    case 'UNAVAILABLE':
      return 'bad'
  }
}
