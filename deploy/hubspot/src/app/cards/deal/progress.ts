/** How much is done against how much of the budget is spent: the gap between the two is the message. */

import type { Financials, Project } from './answer'
import { difference, type Figures, sign } from './figures'
import { shown, type Value, type Why, WITHHOLDS, withheld } from './value'
import type { Tag, Tone } from './words'

export interface Bar extends Value {
  label: string
  /** Length, 0 to 100; null if it is not known. */
  length: number | null
}

export interface Progress {
  complete: Bar
  burned: Bar
  /** What the gap says; null unless both are known. */
  gap: Tag | null
}

/** From how many points on the gap is more than a wobble. */
const SERIOUS = 10

export function progress(project: Project, financials: Financials | null, why: Why, figures: Figures): Progress {
  const [complete, burned] = [project.percentComplete, financials?.budgetBurnedPct ?? null]
  const gap = complete !== null && burned !== null ? ofGap(complete, burned, figures) : null
  return {
    complete: {
      label: 'Work complete',
      length: length(complete),
      ...shown(complete && figures.percent(complete), why('deal.project.percentComplete'), 'the project tool states no progress'),
    },
    burned: {
      label: 'Budget burned',
      length: length(burned),
      tone: gap?.tone,
      ...shown(burned && figures.percent(burned), why('deal.financials.budgetBurnedPct'),
        withheld(financials, WITHHOLDS.budgetBurnedPct) ?? 'sales stated no expected margin'),
    },
    gap,
  }
}

function ofGap(complete: string, burned: string, figures: Figures): Tag {
  const gap = difference(burned, complete)
  const size = points(gap.replace('-', ''), figures)
  const over = sign(difference(burned, '100')) > 0
  const budget = over ? `Over budget by ${points(difference(burned, '100'), figures)}. ` : ''
  if (sign(gap) === 0) return { text: 'Spending keeps pace with the work.', tone: 'good' }
  if (sign(gap) < 0) return { text: `${budget}Spending is ${size} behind the work.`, tone: over ? 'bad' : 'good' }
  const tone: Tone = over || sign(difference(gap, String(SERIOUS))) >= 0 ? 'bad' : 'warn'
  return { text: `${budget}Spending is ${size} ahead of the work.`, tone }
}

function points(decimal: string, figures: Figures): string {
  return `${figures.number(decimal)} ${/^0*1(?:\.0*)?$/.test(decimal) ? 'point' : 'points'}`
}

/** The only float: how long a bar is. */
function length(percent: string | null): number | null {
  return percent === null ? null : Math.min(100, Math.max(0, Number(percent)))
}
