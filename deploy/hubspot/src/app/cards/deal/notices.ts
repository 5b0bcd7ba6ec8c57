/** What whoever looks must know before they trust the figures: a system is silent, a value is old, two records contradict. */

import type { Deal, Problem, Project, Source } from './answer'
import type { Figures } from './figures'
import { sources } from './freshness'
import { sentence } from './value'
import { isMasked, systemName, type Tone } from './words'

export interface Notice {
  tone: Tone
  title: string
  text: string
  /** Whether asking again may help. */
  retry: boolean
}

export function notices(deal: Deal, project: Project, problems: Problem[], figures: Figures): Notice[] {
  const all = sources(deal, problems)
  return [
    ...conflicts(project, problems),
    ...silent(all, problems),
    ...byConnection(all, 'FORBIDDEN').map((source) => ({
      tone: 'bad' as const,
      title: `${systemName(source)} does not show this to Spine`,
      text: 'Spine’s own user there lacks a permission. Tell whoever runs Spine.',
      retry: false,
    })),
    ...byConnection(all, 'STALE').map((source) => ({
      tone: 'warn' as const,
      title: source.asOf ? `What ${systemName(source)} says is ${figures.age(source.asOf)}` : `What ${systemName(source)} says is out of date`,
      text: 'It could not be asked just now, so its last word is shown. It may have changed since.',
      retry: true,
    })),
    ...byConnection(all, 'NOT_FOUND').map((source) => ({
      tone: 'warn' as const,
      title: `${project.code} is not in ${systemName(source)}`,
      text: 'It may not have been set up there yet, or its ID is spelled otherwise.',
      retry: false,
    })),
    ...unreadable(problems),
  ]
}

/** Two records that claim one ID. */
function conflicts(project: Project, problems: Problem[]): Notice[] {
  return once(problems.filter(({ code }) => code === 'DATA_CONFLICT')).map((problem) => ({
    tone: 'bad',
    title: `${systemName(problem)} holds more than one record for ${project.code}`,
    text: `Nobody can say which is right, so neither is shown. Put it right in ${systemName(problem)}.`,
    retry: false,
  }))
}

/** Systems that could not be asked, with what is missing for it. */
function silent(all: Source[], problems: Problem[]): Notice[] {
  return byConnection(all, 'UNAVAILABLE').map((source) => {
    const said = problems.filter((problem) => problem.connection === source.connection && !isMasked(problem))
    const missing = [...new Set(said.map(({ path }) => area(path)))].filter((each) => each !== null)
    const wait = Math.max(0, ...said.map(({ retryAfterMs }) => retryAfterMs ?? 0))
    const soon = wait ? ` Worth another try in ${Math.ceil(wait / 1000)} s.` : ''
    return {
      tone: 'bad',
      title: `${systemName(source)} is not answering`,
      text: `${missing.length ? sentence(`${listed(missing)} missing`) : 'What it owns is missing.'} All else is as its owners say.${soon}`,
      retry: true,
    }
  })
}

/** Fields that are there and cannot be read. */
function unreadable(problems: Problem[]): Notice[] {
  const rest = problems.filter((problem) => ['DATA_INVALID', 'UPSTREAM_AUTH', 'UPSTREAM_BAD_REQUEST', 'UPSTREAM_BAD_RESPONSE', 'UPSTREAM_TOO_LARGE', 'RESULT_TRUNCATED', 'INTERNAL'].includes(problem.code))
  return once(rest).map((problem) => ({
    tone: 'warn',
    title: `${systemName(problem)}: something could not be read`,
    text: `${sentence(problem.message)}${problem.requestId ? ` Request ${problem.requestId}.` : ''}`,
    retry: false,
  }))
}

function once(problems: Problem[]): Problem[] {
  return problems.filter(({ code, connection }, place) =>
    problems.findIndex((other) => other.code === code && other.connection === connection) === place)
}

function byConnection(sources: Source[], status: Source['status']): Source[] {
  const those = sources.filter((source) => source.status === status)
  return those.filter(({ connection }, place) => those.findIndex((other) => other.connection === connection) === place)
}

/** What a place of the answer is about. */
function area(path: string): string | null {
  if (path.startsWith('deal.project.invoices')) return 'invoices'
  if (path.startsWith('deal.project.tickets')) return 'tickets'
  if (path.startsWith('deal.project')) return 'delivery'
  if (path.startsWith('deal.financials')) return 'some figures'
  if (path.startsWith('deal.client')) return 'client'
  return null
}

/** `invoices and figures are` */
function listed(names: string[]): string {
  const [last, ...rest] = [...names].reverse()
  const plural = names.length > 1 || (last?.endsWith('s') ?? false)
  return `${rest.length ? `${rest.reverse().join(', ')} and ` : ''}${last} ${plural ? 'are' : 'is'}`
}

