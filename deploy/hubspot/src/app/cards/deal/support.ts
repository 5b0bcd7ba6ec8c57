/** What a sale costs after it: tickets opened since the deal was closed. */

import type { Deal, Project, Ticket } from './answer'
import { type Figures, sum } from './figures'
import { shown, type Value, type Why } from './value'

export interface Support {
  /** `Support since 20 Feb 2024` */
  title: string
  open: Value
  all: Value
  hours: Value
  /** Of the delivery team's own incidents. */
  critical: Value
}

export function support({ closeDate, status }: Deal, project: Project, why: Why, figures: Figures): Support {
  // As the reports count: support and incidents, opened after the day of the close.
  const since = status === 'WON' ? closeDate : null
  const help = project.tickets?.filter(({ category }) => category === 'SUPPORT' || category === 'INCIDENT') ?? null
  const undated = since !== null && (help?.some(({ openedAt }) => openedAt === null) ?? false)
  const tickets = help && !undated ? help.filter(({ openedAt }) => since === null || day(openedAt) > since) : null
  const problem = why('deal.project.tickets.openedAt')
  const otherwise = undated ? 'a ticket has no opening date' : 'the tickets’ owner does not know the project'
  const hours = tickets && booked(tickets)
  const critical = project.openCriticalIncidents
  return {
    title: since === null ? 'Support' : `Support since ${figures.day(since)}`,
    open: {
      ...shown(tickets && figures.count(tickets.filter(({ status }) => status !== 'CLOSED').length), problem, otherwise),
    },
    all: shown(tickets && figures.count(tickets.length), problem, otherwise),
    hours: shown(typeof hours === 'string' && `${figures.number(hours)} h`, problem ?? why('deal.project.tickets.hours'),
      tickets ? 'a ticket states no hours' : otherwise),
    critical: {
      ...shown(critical !== null && figures.count(critical), why('deal.project.openCriticalIncidents'), 'the project tool keeps no incidents'),
      ...(critical && { tone: 'bad' as const }),
    },
  }
}

/** The hours on all of them; null if one does not say. */
function booked(tickets: Ticket[]): string | null {
  const hours = tickets.map(({ hours }) => hours).filter((hours) => hours !== null)
  return hours.length === tickets.length ? sum(hours) : null
}

function day(moment: string | null): string {
  return moment?.slice(0, 10) ?? ''
}
