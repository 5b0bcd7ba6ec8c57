import '../fonts.css'
import './card.css'

import type { Answered } from '../../../deploy/hubspot/src/app/cards/deal/answer'
import { type View, view } from '../../../deploy/hubspot/src/app/cards/deal/view'
import { h } from '../reports/dom'
import { account, quietFetch, signedFetch } from '../sign-in'
import { ask } from './ask'
import { changes, isToldBy } from './changes'
import { draw, drawFreshness, drawLive } from './draw'
import { follower, type Liveness } from './follow'
import { loading } from './loading'
import { morph } from './morph'

/** How often the ages on the card are told anew. */
const TICK_MS = 30_000

/** How long until it is asked again, when something changed that could not be read. */
const AGAIN_MS = 5_000

/** How long a change is said to be of just now. */
const JUST_NOW_MS = 60_000

const card = document.getElementById('card')
const deal = idOf(location.pathname)

let answered: Answered | null = null
/** Which question is the last one: answers to earlier ones are not shown. */
let question = 0
/** Whether changes are heard of; null before it is known. */
let liveness: Liveness | null = null
/** Whether something is known to have changed that is not shown yet. */
let behind = false
/** When something on the card changed by itself. */
let changedAt = -Infinity

/** For those who hear the page: what changed by itself. */
const said = h('p', { id: 'said', class: 'unseen', role: 'status', 'aria-live': 'polite' })
const following = follower(deal, {
  changed: (now) => {
    if (answered?.kind !== 'answer' || !isToldBy(now, answered.deal)) void load('quietly')
  },
  tell: (now) => {
    liveness = now
    drawLive(live())
  },
})

card?.after(said, h('aside', {}, account()))
void load('at first')
setInterval(tell, TICK_MS)
document.addEventListener('visibilitychange', () => {
  if (document.hidden) following.stop()
  else followIfShown()
})

/** `/card/ID`. What is not well percent-encoded is taken as it stands: no deal has it as its ID, and the card says so. */
function idOf(path: string): string {
  const id = path.split('/').at(-1) ?? ''
  try {
    return decodeURIComponent(id)
  } catch {
    return id
  }
}

/** Looks again: at a click with every value read anew; quietly, when something is said to have changed. */
async function load(why: 'at first' | 'at a click' | 'quietly'): Promise<void> {
  const mine = ++question
  if (why === 'quietly') {
    const next = await ask(deal, false, quietFetch)
    if (mine !== question) return
    behind = !isShown(next)
    if (behind) {
      // What was there stays, says how old it is, and that it is not live.
      setTimeout(() => mine === question && !document.hidden && void load('quietly'), AGAIN_MS)
      return drawLive(live())
    }
    const before = shown()
    answered = next
    const told = before ? changes(before, view(next, { now: new Date() })) : ''
    if (told) {
      changedAt = Date.now()
      said.textContent = told
      setTimeout(() => drawLive(live()), JUST_NOW_MS)
    }
    return show(next)
  }
  card?.setAttribute('aria-busy', 'true')
  if (answered) card?.querySelectorAll('button').forEach((button) => button.setAttribute('aria-disabled', 'true'))
  else card?.replaceChildren(loading())
  const next = await ask(deal, why === 'at a click', signedFetch)
  if (mine !== question) return
  answered = next
  behind = false
  show(next)
  followIfShown()
}

/** Whether an answer says something of the deal, if only that it is not there. */
function isShown(next: Answered): boolean {
  return next.kind === 'answer' || (next.kind === 'refused' && next.status === 403)
}

function followIfShown(): void {
  if (document.hidden || answered?.kind !== 'answer' || !answered.deal) return
  following.start()
}

function shown(): View | null {
  return answered && view(answered, { now: new Date() })
}

function show(next: Answered): void {
  const focused = document.activeElement instanceof HTMLElement ? document.activeElement.id : ''
  const shown = view(next, { now: new Date() })
  if (card) morph(card, draw(shown, () => void load('at a click'), live()))
  card?.removeAttribute('aria-busy')
  document.title = shown.state === 'card' ? `${shown.card.project.code} · Spine` : 'Deal · Spine'
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true })
}

/** Whether what is shown follows by itself. */
function live(): { text: string; tone: 'good' | 'warn' } | null {
  switch (liveness === 'live' && behind ? 'waiting' : liveness) {
    case null:
      return null
    case 'live':
      return { text: Date.now() - changedAt < JUST_NOW_MS ? 'Updated just now' : 'Follows changes', tone: 'good' }
    case 'waiting':
      return { text: 'Not live: trying again', tone: 'warn' }
    case 'over':
      return { text: 'Not live', tone: 'warn' }
  }
}

/** The ages alone: nothing else moves under the reader's eyes. */
function tell(): void {
  const now = shown()
  if (now) drawFreshness(now)
  drawLive(live())
}
