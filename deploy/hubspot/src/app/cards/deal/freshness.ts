/** Per system: when it was asked, how old that is, and what it said. */

import type { Deal, Problem, Source, SourceStatus } from './answer'
import type { Figures } from './figures'
import { isNotAnswering, sourceTone, systemName, type Tone } from './words'

export interface Fresh {
  system: string
  text: string
  tone: Tone
}

/** From the best to the worst. */
const ORDER: SourceStatus[] = ['NOT_LINKED', 'LIVE', 'CACHED', 'NOT_FOUND', 'STALE', 'PARTIAL', 'FORBIDDEN', 'UNAVAILABLE']

/** Everything that the answer says of where it was read. */
export function sources({ source, project, financials }: Deal, problems: Problem[]): Source[] {
  const silent = problems.filter((problem) => isNotAnswering(problem) && problem.connection !== null)
  return [
    source,
    ...(project?.source ? [project.source] : []),
    ...(project?.tickets ?? []).slice(0, 1).map(({ source }) => source),
    ...(financials?.sources ?? []),
    ...silent.map(({ system, connection }) => ({ system: system ?? '', connection: connection ?? '', asOf: null, status: 'UNAVAILABLE' as const })),
  ]
}

/** One entry for each system: the worst that was said of it, and the oldest. */
export function freshness(deal: Deal, problems: Problem[], figures: Figures): Fresh[] {
  const worst = new Map<string, Source>()
  for (const source of sources(deal, problems)) {
    const known = worst.get(source.connection)
    if (!known || isWorse(source, known)) worst.set(source.connection, source)
  }
  return [...worst.values()].map((source) => ({ system: systemName(source), text: words(source, figures), tone: sourceTone(source) }))
}

function isWorse(one: Source, other: Source): boolean {
  const rank = ORDER.indexOf(one.status) - ORDER.indexOf(other.status)
  return rank > 0 || (rank === 0 && (one.asOf ?? '') < (other.asOf ?? ''))
}

function words({ status, asOf }: Source, figures: Figures): string {
  const at = asOf === null ? '' : figures.moment(asOf)
  switch (status) {
    case 'LIVE':
      return `${at}, live`
    case 'CACHED':
      return asOf === null ? 'a short while old' : `${at}, ${figures.age(asOf)}`
    case 'STALE':
      return asOf === null ? 'out of date' : `${at}, ${figures.age(asOf)}: out of date`
    case 'PARTIAL':
      return 'only in part'
    case 'NOT_LINKED':
      return 'not asked'
    case 'NOT_FOUND':
      return `${at}, does not know the project`
    case 'FORBIDDEN':
      return 'refuses Spine'
    case 'UNAVAILABLE':
      return 'not answering'
  }
}
