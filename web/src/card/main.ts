import '../fonts.css'
import './card.css'

import type { Answered } from '../../../deploy/hubspot/src/app/cards/deal/answer'
import { view } from '../../../deploy/hubspot/src/app/cards/deal/view'
import { h } from '../reports/dom'
import { account } from '../sign-in'
import { ask } from './ask'
import { draw, drawFreshness } from './draw'
import { loading } from './loading'

/** How often the ages on the card are told anew. */
const TICK_MS = 30_000

const card = document.getElementById('card')
const deal = idOf(location.pathname)

let answered: Answered | null = null
/** Which question is the last one: answers to earlier ones are not shown. */
let question = 0

card?.after(h('aside', {}, account()))
void load(false)
setInterval(tell, TICK_MS)

/** `/card/ID`. What is not well percent-encoded is taken as it stands: no deal has it as its ID, and the card says so. */
function idOf(path: string): string {
  const id = path.split('/').at(-1) ?? ''
  try {
    return decodeURIComponent(id)
  } catch {
    return id
  }
}

/** Looks again. A click does this; whatever else learns that something changed can do it, too. */
async function load(fresh: boolean): Promise<void> {
  const mine = ++question
  card?.setAttribute('aria-busy', 'true')
  if (answered) card?.querySelectorAll('button').forEach((button) => button.setAttribute('aria-disabled', 'true'))
  else card?.replaceChildren(loading())
  const next = await ask(deal, fresh)
  if (mine !== question) return
  answered = next
  show(next)
}

function show(next: Answered): void {
  const focused = document.activeElement instanceof HTMLElement ? document.activeElement.id : ''
  const shown = view(next, { now: new Date() })
  card?.replaceChildren(...draw(shown, () => void load(true)))
  card?.removeAttribute('aria-busy')
  document.title = shown.state === 'card' ? `${shown.card.project.code} · Spine` : 'Deal · Spine'
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true })
}

/** The ages alone: nothing else moves under the reader's eyes. */
function tell(): void {
  if (answered) drawFreshness(view(answered, { now: new Date() }))
}
