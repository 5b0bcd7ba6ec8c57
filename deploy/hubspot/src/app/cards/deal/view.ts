/** From an answer to what the card shows. Pure: the same answer, reader and time give the same view, in HubSpot and in a browser. */

import type { Answered, Deal, Invoice, Problem, Project } from './answer'
import { type Figures, figures, type Reader, UNKNOWN } from './figures'
import { type Fresh, freshness } from './freshness'
import { type InvoiceRow, invoiceRows, lastInvoice } from './invoices'
import { type Notice, notices } from './notices'
import { type Progress, progress } from './progress'
import { type Support, support } from './support'
import { days, due, type Labelled, sentence, shown, type Value, type Why, WITHHOLDS, withheld } from './value'
import { because, health, isMasked, isNotAnswering, projectStatus, systemName, type Tag } from './words'

export interface Heading {
  deal: string
  client: string | null
}

/** What could not be shown, and what to do about it. */
export interface Failure {
  title: string
  text: string
  /** For whoever is asked for help. */
  code: string | null
  requestId: string | null
  /** Whether asking again may help. */
  retry: boolean
}

export type View =
  | { state: 'card'; card: Card }
  | { state: 'not-linked'; heading: Heading; hint: string; raw: string | null; amount: Labelled; stage: string | null; freshness: Fresh[] }
  | { state: 'not-found'; failure: Failure }
  | { state: 'signed-out'; failure: Failure }
  | { state: 'failed'; failure: Failure }

export interface Card {
  heading: Heading
  project: { code: string; url: string | null; status: string | null; health: Tag; reason: string | null }
  notices: Notice[]
  statistics: Labelled[]
  progress: Progress
  facts: Labelled[]
  /** At most five; none with a reason if they cannot be shown. */
  invoices: { rows: InvoiceRow[]; more: number; missing: string | null }
  support: Support
  freshness: Fresh[]
}

export function view(answered: Answered, reader: Reader): View {
  switch (answered.kind) {
    case 'unreachable':
      return failed({ title: 'Spine cannot be reached', text: answered.why, code: null, requestId: null, retry: true })
    case 'refused':
      return refused(answered.status, answered.problems)
    case 'answer':
      return answered.deal ? ofDeal(answered.deal, answered.problems, figures(reader)) : withoutDeal(answered.problems)
  }
}

function ofDeal(deal: Deal, problems: Problem[], figures: Figures): View {
  const heading = { deal: deal.name ?? 'A deal without a name', client: deal.client?.name ?? null }
  const why: Why = (path) =>
    problems.find((problem) => path === problem.path || path.startsWith(`${problem.path}.`)) ??
    problems.find((problem) => problem.path.startsWith(`${path}.`))
  const fresh = freshness(deal, problems, figures)
  const { project, link } = deal
  if (!project) {
    const masked = why('deal.project')
    if (link.status === 'LINKED' && masked) return failed(failureOf(masked, 'The project cannot be shown'))
    return {
      state: 'not-linked',
      heading,
      hint: sentence(link.hint ?? 'the deal carries no project ID'),
      raw: link.raw,
      amount: { label: 'Deal amount', ...shown(deal.amount && figures.money(deal.amount), why('deal.amount')) },
      stage: deal.stage,
      freshness: fresh,
    }
  }
  return {
    state: 'card',
    card: {
      heading,
      project: {
        code: project.code,
        url: project.source?.url ?? null,
        status: projectStatus(project),
        health: healthOf(project, why('deal.project.health')),
        reason: project.healthReason,
      },
      notices: notices(deal, project, problems, figures),
      statistics: statistics(deal, why, figures),
      progress: progress(project, deal.financials, why, figures),
      facts: facts(project, why, figures),
      invoices: invoices(project.invoices, why, figures),
      support: support(deal, project, why, figures),
      freshness: fresh,
    },
  }
}

function healthOf(project: Project, problem: Problem | undefined): Tag {
  if (!problem) return health(project)
  return { text: isMasked(problem) ? 'Health not shown' : 'Health unknown', tone: 'plain' }
}

/** Four figures. Who may not see the margin sees what is left to invoice in its place. */
function statistics({ status, amount, financials }: Deal, why: Why, figures: Figures): Labelled[] {
  const money = (field: 'contractValue' | 'leftToInvoice' | 'overdue') => {
    const value = financials?.[field]
    return shown(value && figures.money(value), why(`deal.financials.${field}`), withheld(financials, WITHHOLDS[field]))
  }
  const percent = (field: 'invoicedPct' | 'forecastMarginPct', otherwise: string) => {
    const value = financials?.[field]
    return shown(value && figures.percent(value), why(`deal.financials.${field}`), withheld(financials, WITHHOLDS[field]) ?? otherwise)
  }
  const margin = why('deal.financials.forecastMarginPct')
  const open = status === 'OPEN' && amount ? `this deal is open: ${figures.money(amount)}` : undefined
  const late = financials?.overdue && /[1-9]/.test(financials.overdue.amount)
  return [
    { label: 'Contract value', note: open, ...money('contractValue') },
    { label: 'Invoiced', ...percent('invoicedPct', 'nothing is sold yet') },
    margin && isMasked(margin)
      ? { label: 'Left to invoice', ...money('leftToInvoice') }
      : {
          label: 'Forecast margin',
          ...percent('forecastMarginPct', 'needs progress and cost'),
          ...(financials?.forecastMarginPct?.startsWith('-') && { tone: 'bad' as const }),
        },
    { label: 'Overdue', ...money('overdue'), ...(late && { tone: 'bad' as const }) },
  ]
}

function facts(project: Project, why: Why, figures: Figures): Labelled[] {
  const { manager, startDate, dueDate, milestones, invoices, source } = project
  // The project tool knows the project: what it states nothing of is none, and not unknown.
  const known = source?.status === 'LIVE' || source?.status === 'CACHED' || source?.status === 'STALE'
  const unknown = source?.status === 'NOT_FOUND' ? `${systemName(source)} does not know the project` : undefined
  const next = milestones?.filter(({ status }) => status !== 'CLOSED')
    .sort((one, other) => (one.dueDate ?? '9').localeCompare(other.dueDate ?? '9'))[0]
  const last = lastInvoice(invoices)
  const dates = (startDate || dueDate) && [startDate, dueDate].map((date) => (date ? figures.day(date) : UNKNOWN)).join(' to ')
  return [
    { label: 'Project manager', ...fact(manager?.name, why('deal.project.manager'), known && 'Nobody named') },
    {
      label: 'Dates',
      ...fact(dates, why('deal.project.startDate') ?? why('deal.project.dueDate'), known && 'None planned'),
      ...(isLate(project, figures) && { note: `${days(-figures.daysTo(dueDate ?? ''), figures)} past the end`, tone: 'warn' as const }),
    },
    {
      label: 'Next milestone',
      ...fact(next && (next.name ?? 'Without a name'), why('deal.project.milestones'), known && milestones && (milestones.length ? 'All reached' : 'None planned')),
      ...(next?.dueDate && { note: due(next.dueDate, figures), tone: figures.daysTo(next.dueDate) < 0 ? 'warn' as const : undefined }),
      ...(next?.url && { url: next.url }),
    },
    {
      label: 'Last invoice',
      ...fact(last && [last.number, last.issueDate && figures.day(last.issueDate)].filter(Boolean).join(', '), why('deal.project.invoices'), invoices && 'None yet'),
      ...(last?.source.url && { url: last.source.url }),
    },
  ]

  /** A value; or, where nobody failed to state one, the word for none. */
  function fact(text: string | null | undefined, problem: Problem | undefined, none: string | null | false): Value {
    return shown(text ?? (problem ? null : none), problem, unknown)
  }
}

function isLate({ status, dueDate }: Project, figures: Figures): boolean {
  return dueDate !== null && status !== 'COMPLETED' && status !== 'CANCELLED' && figures.daysTo(dueDate) < 0
}

function invoices(all: Invoice[] | null, why: Why, figures: Figures): Card['invoices'] {
  const problem = why('deal.project.invoices')
  if (all) return { ...invoiceRows(all, why, figures), missing: all.length ? null : 'None yet.' }
  return { rows: [], more: 0, missing: sentence(problem ? because(problem) : 'the books do not know the project') }
}

function withoutDeal(problems: Problem[]): View {
  const [problem] = problems
  if (problem && problem.code !== 'BAD_REQUEST') {
    return failed(failureOf(problem, `${systemName(problem)} ${isNotAnswering(problem) ? 'is not answering' : 'cannot be read'}`))
  }
  return {
    state: 'not-found',
    failure: {
      title: 'The CRM does not know this deal',
      text: problem ? sentence(problem.message) : 'It may have been deleted or merged, or it is not yours to see. Check the ID in the address.',
      code: problem?.code ?? 'NOT_FOUND',
      requestId: problem?.requestId ?? null,
      retry: false,
    },
  }
}

function failureOf(problem: Problem, title: string): Failure {
  const masked = isMasked(problem)
  return {
    title: masked ? 'Not shown for your role' : title,
    text: masked ? 'Whoever runs Spine decides which role sees what.' : `${sentence(because(problem))} Without it there is nothing to show here.`,
    code: problem.code,
    requestId: problem.requestId,
    retry: !masked,
  }
}

function refused(status: number, problems: Problem[]): View {
  const [problem] = problems
  const [code, requestId] = [problem?.code ?? `HTTP ${status}`, problem?.requestId ?? null]
  if (status === 401 || code === 'UNAUTHENTICATED') {
    return {
      state: 'signed-out',
      failure: { title: 'You are not signed in', text: problem?.message || 'Sign in to Spine, then try again.', code, requestId, retry: true },
    }
  }
  if (status === 403 || code === 'FORBIDDEN') {
    return {
      state: 'signed-out',
      failure: { title: 'This is not yours to see', text: problem?.message || 'Ask whoever runs Spine for a role.', code, requestId, retry: true },
    }
  }
  const text = problem?.message || `Something between this page and Spine answered with HTTP ${status}.`
  return failed({ title: 'No figures rather than wrong ones', text, code, requestId, retry: status >= 500 || status === 429 })
}

function failed(failure: Failure): View {
  return { state: 'failed', failure }
}
