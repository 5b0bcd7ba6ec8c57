/** What `POST /graphql/p/deal-card` answers, and how it can fail. Amounts and percentages are decimal texts; no float is made of them. */

export interface Money {
  amount: string
  currency: string
}

export type SourceStatus = 'LIVE' | 'CACHED' | 'STALE' | 'PARTIAL' | 'NOT_LINKED' | 'NOT_FOUND' | 'FORBIDDEN' | 'UNAVAILABLE'

export interface Source {
  system: string
  connection: string
  asOf: string | null
  status: SourceStatus
  recordId?: string | null
  url?: string | null
}

export interface Milestone {
  name: string | null
  status: 'OPEN' | 'LOCKED' | 'CLOSED' | 'UNKNOWN'
  dueDate: string | null
  url: string | null
}

export interface Ticket {
  status: 'NEW' | 'IN_PROGRESS' | 'WAITING' | 'CLOSED' | 'UNKNOWN'
  category: 'INCIDENT' | 'CHANGE_REQUEST' | 'SUPPORT' | 'TASK' | 'UNKNOWN'
  openedAt: string | null
  hours: string | null
  source: Source
}

export interface Invoice {
  number: string | null
  kind: 'INVOICE' | 'CREDIT_NOTE'
  status: 'DRAFT' | 'OPEN' | 'PARTIALLY_PAID' | 'PAID' | 'OVERDUE' | 'VOID' | 'UNKNOWN'
  statusLabel: string | null
  issueDate: string | null
  dueDate: string | null
  total: Money | null
  balance: Money | null
  source: { url: string | null }
}

export interface Project {
  code: string
  name: string | null
  status: 'PLANNED' | 'ACTIVE' | 'ON_HOLD' | 'COMPLETED' | 'CANCELLED' | 'UNKNOWN' | null
  statusLabel: string | null
  health: 'GREEN' | 'AMBER' | 'RED' | 'UNKNOWN' | null
  healthLabel: string | null
  healthReason: string | null
  manager: { name: string } | null
  startDate: string | null
  dueDate: string | null
  percentComplete: string | null
  openCriticalIncidents: number | null
  milestones: Milestone[] | null
  tickets: Ticket[] | null
  invoices: Invoice[] | null
  source: Source | null
}

export interface Financials {
  contractValue: Money | null
  invoicedPct: string | null
  leftToInvoice: Money | null
  overdue: Money | null
  forecastMarginPct: string | null
  budgetBurnedPct: string | null
  completeness: { reasons: string[] } | null
  sources: Source[] | null
}

export interface Deal {
  id: string
  name: string | null
  stage: string | null
  status: 'OPEN' | 'WON' | 'LOST' | null
  amount: Money | null
  closeDate: string | null
  client: { name: string | null } | null
  link: { status: 'LINKED' | 'NOT_LINKED' | 'MALFORMED'; raw: string | null; hint: string | null }
  project: Project | null
  financials: Financials | null
  source: Source
}

/** One entry of `errors`: what could not be told, and why. */
export interface Problem {
  code: string
  message: string
  /** Where in the answer, without the places in lists: `deal.project.invoices.total`. */
  path: string
  system: string | null
  connection: string | null
  requestId: string | null
  retryAfterMs: number | null
}

/** What became of the question. */
export type Answered =
  | { kind: 'answer'; deal: Deal | null; problems: Problem[] }
  | { kind: 'refused'; status: number; problems: Problem[] }
  | { kind: 'unreachable'; why: string }

/** Reads an answer's status and body, whatever they are. */
export function read(status: number, body: unknown): Answered {
  const { data, errors } = isObject(body) ? body : {}
  const problems = (Array.isArray(errors) ? errors : []).filter(isObject).map(problem)
  const answered = status >= 200 && status < 300 && isObject(data)
  if (!answered) return { kind: 'refused', status, problems }
  return { kind: 'answer', deal: (data['deal'] ?? null) as Deal | null, problems }
}

/** Where the objects of lists are in the answer: a field of theirs that is masked is in many places, and its error names none. */
const LISTS: Record<string, string> = { Invoice: 'invoices', Milestone: 'milestones', Ticket: 'tickets' }

function problem(error: Record<string, unknown>): Problem {
  const extensions = isObject(error['extensions']) ? error['extensions'] : {}
  const path = (Array.isArray(error['path']) ? error['path'] : []).filter((part) => typeof part === 'string').join('.')
  const [type = '', field = ''] = text(extensions['field'])?.split('.') ?? []
  const list = LISTS[type]
  return {
    code: text(extensions['code']) ?? 'UNKNOWN',
    message: text(error['message']) ?? '',
    path: path || (list ? `deal.project.${list}.${field}` : ''),
    system: text(extensions['system']),
    connection: text(extensions['connection']),
    requestId: text(extensions['requestId']),
    retryAfterMs: typeof extensions['retryAfterMs'] === 'number' ? extensions['retryAfterMs'] : null,
  }
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
