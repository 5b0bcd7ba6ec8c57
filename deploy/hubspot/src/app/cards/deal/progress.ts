/** How much is done against how much of the budget is spent: the gap between the two is the message. */

import type { Financials, Project } from './answer'
import { difference, type Figures, sign } from './figures'
import { shown, type Value, type Why, WITHHOLDS, withheld } from './value'
import type { Tag, Tone } from './words'

export interface Bar extends Value {
  label: string
  /** For its length alone: 0 or more, above 100 if more is spent than there was; null if it is not known. */
  percent: number | null
}

export interface Progress {
  complete: Bar
  burned: Bar
  /** What the gap says; null while there is nothing to say. */
  gap: Tag | null
}

/** From how many points on the gap is more than a wobble. */
const SERIOUS = 10

export function progress(project: Project, financials: Financials | null, why: Why, figures: Figures): Progress {
  const [complete, burned] = [project.percentComplete, financials?.budgetBurnedPct ?? null]
  const gap = burned === null ? null : ofGap(complete, burned, figures)
  return {
    complete: {
      label: 'Work complete',
      percent: length(complete),
      ...shown(complete && figures.percent(complete), why('deal.project.percentComplete'), 'the project tool states no progress'),
    },
    burned: {
      label: 'Budget burned',
      percent: length(burned),
      tone: gap?.tone,
      ...shown(burned && figures.percent(burned), why('deal.financials.budgetBurnedPct'),
        withheld(financials, WITHHOLDS.budgetBurnedPct) ?? 'sales stated no expected margin'),
    },
    gap,
  }
}

function ofGap(complete: string | null, burned: string, figures: Figures): Tag | null {
  const excess = difference(burned, '100')
  const over = sign(excess) > 0
  const budget = over ? `Over budget by ${points(excess, figures)}. ` : ''
  if (complete === null) return over ? { text: budget.trim(), tone: 'bad' } : null
  const gap = difference(burned, complete)
  const size = points(gap.replace('-', ''), figures)
  if (sign(gap) === 0) return { text: `${budget}Spending keeps pace with the work.`, tone: over ? 'bad' : 'good' }
  if (sign(gap) < 0) return { text: `${budget}Spending is ${size} behind the work.`, tone: over ? 'bad' : 'good' }
  const tone: Tone = over || sign(difference(gap, String(SERIOUS))) >= 0 ? 'bad' : 'warn'
  return { text: `${budget}Spending is ${size} ahead of the work.`, tone }
}

function points(decimal: string, figures: Figures): string {
  return `${figures.number(decimal)} ${/^0*1(?:\.0*)?$/.test(decimal) ? 'point' : 'points'}`
}

/** The only float: how long a bar is. */
function length(percent: string | null): number | null {
  return percent === null ? null : Math.max(0, Number(percent))
}
