/** A view, as elements. */

import type { Fresh } from '../../../deploy/hubspot/src/app/cards/deal/freshness'
import type { Notice } from '../../../deploy/hubspot/src/app/cards/deal/notices'
import type { Bar, Progress } from '../../../deploy/hubspot/src/app/cards/deal/progress'
import type { Support } from '../../../deploy/hubspot/src/app/cards/deal/support'
import type { Labelled, Value } from '../../../deploy/hubspot/src/app/cards/deal/value'
import type { Card, Failure, Heading, View } from '../../../deploy/hubspot/src/app/cards/deal/view'
import type { Tag } from '../../../deploy/hubspot/src/app/cards/deal/words'
import { h } from '../reports/dom'

type Refresh = () => void

/** Whether what is shown follows by itself; none if that is not known. */
type Live = { text: string; tone: 'good' | 'warn' } | null

export function draw(view: View, refresh: Refresh, live: Live): HTMLElement[] {
  switch (view.state) {
    case 'card':
      return whole(view.card, refresh, live)
    case 'not-linked':
      return [
        top(view.heading),
        h('section', { class: 'state', id: 'not-linked' },
          h('h2', {}, 'Not linked to a project yet'),
          h('p', {}, ...named(view.hint)),
          view.raw !== null && h('p', {}, 'The field holds ', h('code', {}, view.raw), '.')),
        facts([view.amount, { label: 'Stage', text: view.stage ?? '–', known: view.stage !== null }]),
        footer(view.freshness, refresh, live),
      ]
    case 'not-found':
    case 'signed-out':
    case 'failed':
      return [failure(view.state, view.failure, refresh)]
  }
}

/** Tells the ages of what is shown anew. */
export function drawFreshness(view: View): void {
  const list = document.getElementById('freshness')
  const fresh = view.state === 'card' ? view.card.freshness : view.state === 'not-linked' ? view.freshness : null
  if (list && fresh) list.replaceChildren(...entries(fresh))
}

/** Tells anew whether what is shown follows by itself. */
export function drawLive(live: Live): void {
  const place = document.getElementById('live')
  if (!place) return
  place.className = live?.tone ?? ''
  place.textContent = live?.text ?? ''
}

function whole(card: Card, refresh: Refresh, live: Live): HTMLElement[] {
  const { project } = card
  return [
    top(card.heading,
      h('div', { class: 'project' },
        link(project.code, project.url, 'code'),
        tag(project.health, 'health'),
        project.status && h('span', { class: 'note' }, project.status)),
      project.reason && h('p', { class: 'reason' }, project.reason)),
    ...card.notices.map((each) => notice(each, refresh)),
    statistics(card.statistics),
    progress(card.progress),
    facts(card.facts),
    invoices(card.invoices),
    support(card.support),
    footer(card.freshness, refresh, live),
  ]
}

function top({ deal, client }: Heading, ...rest: (HTMLElement | string | null | false)[]): HTMLElement {
  return h('header', { class: 'head' },
    client && h('p', { class: 'client' }, client),
    h('h1', {}, client ? deal.replace(`${client}: `, '') : deal),
    ...rest)
}

function notice({ tone, title, text, retry }: Notice, refresh: Refresh): HTMLElement {
  return h('section', { class: `notice ${tone}`, role: tone === 'bad' ? 'alert' : 'status' },
    h('h2', {}, title),
    h('p', {}, text, retry && ' ', retry && h('button', { type: 'button', class: 'plain', click: refresh }, 'Try again')))
}

function statistics(all: Labelled[]): HTMLElement {
  return h('section', { 'aria-label': 'Figures' },
    h('dl', { class: 'figures' }, ...all.map((each) => h('div', {}, h('dt', {}, each.label), described(each)))))
}

function progress({ complete, burned, gap }: Progress): HTMLElement {
  // One scale for both, so that their lengths compare; it ends where the budget does, or where more than it was spent.
  const scale = Math.max(100, burned.percent ?? 0, complete.percent ?? 0)
  const reached = complete.percent ?? 100
  return h('section', { 'aria-label': 'Progress' },
    bar(complete, scale, reached), bar(burned, scale, reached),
    gap && h('p', { class: `gap ${gap.tone}`, id: 'gap' }, gap.text))
}

/** A bar, in its tone from where the work stands on; of what is not known, a hatched one: an empty one would say 0. */
function bar({ label, percent, text, note, tone }: Bar, scale: number, reached: number): HTMLElement {
  const track = percent === null
    ? h('div', { class: 'track unknown', role: 'img', 'aria-label': `${label}: unknown` })
    : h('div', {
        class: 'track', role: 'progressbar', 'aria-label': label,
        'aria-valuemin': 0, 'aria-valuemax': Math.round(scale), 'aria-valuenow': Math.round(percent), 'aria-valuetext': text,
      },
      part('fill', Math.min(percent, reached), scale),
      percent > reached && part(`fill ahead ${tone ?? ''}`, percent - reached, scale),
      scale > 100 && mark(scale))
  return h('div', { class: 'bar' },
    h('div', { class: 'words' }, h('span', {}, label), h('span', { class: 'value' }, text)),
    track,
    note && h('p', { class: 'note' }, note))
}

function part(name: string, length: number, scale: number): HTMLElement {
  const element = h('div', { class: name })
  element.style.width = `${(length / scale) * 100}%`
  return element
}

/** Where all of the work is done, and all of the budget spent. */
function mark(scale: number): HTMLElement {
  const element = h('div', { class: 'mark' })
  element.style.left = `${(100 / scale) * 100}%`
  return element
}

function facts(all: Labelled[]): HTMLElement {
  return h('section', { 'aria-label': 'Facts' },
    h('dl', { class: 'facts' }, ...all.map((each) => h('div', {}, h('dt', {}, each.label), described(each)))))
}

function described({ text, known, note, tone, url }: Value): HTMLElement {
  return h('dd', {},
    h('span', { class: ['value', known || 'unknown', tone].filter((each) => typeof each === 'string').join(' ') }, link(text, url ?? null)),
    note && h('span', { class: 'note' }, note))
}

function invoices({ rows, more, missing }: Card['invoices']): HTMLElement {
  const body = missing !== null ? h('p', { class: 'note' }, missing) : h('table', {},
    h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'Invoice'), h('th', { scope: 'col' }, 'Status'), h('th', { scope: 'col' }, 'Total'))),
    h('tbody', {}, ...rows.map(({ number, url, status, due, amount }) => h('tr', {},
      h('th', { scope: 'row' }, link(number, url), h('span', { class: 'note' }, due)),
      h('td', {}, tag(status)),
      h('td', { class: 'amount' }, h('span', { class: 'value' }, amount.text), amount.note && h('span', { class: 'note' }, amount.note))))))
  return h('section', { 'aria-labelledby': 'invoices' },
    h('h2', { id: 'invoices' }, 'Invoices'), body,
    more > 0 && h('p', { class: 'note' }, `and ${more} more`))
}

function support({ title, open, all, hours, critical }: Support): HTMLElement {
  const named = Object.entries({ Open: open, Tickets: all, Hours: hours, Critical: critical })
  return h('section', { 'aria-labelledby': 'support' },
    h('h2', { id: 'support' }, title),
    h('dl', { class: 'support' }, ...named.map(([label, value]) => h('div', {}, h('dt', {}, label), described(value)))))
}

function footer(fresh: Fresh[], refresh: Refresh, live: Live): HTMLElement {
  return h('footer', {},
    h('ul', { id: 'freshness', 'aria-label': 'When each system was asked' }, ...entries(fresh)),
    h('div', { class: 'again' },
      h('span', { id: 'live', class: live?.tone ?? '' }, live?.text),
      h('button', { type: 'button', id: 'refresh', click: refresh }, 'Refresh')))
}

function entries(fresh: Fresh[]): HTMLElement[] {
  return fresh.map(({ system, text, tone }) => h('li', { class: tone }, h('strong', {}, system), ' ', text))
}

function failure(state: string, { title, text, code, requestId, retry }: Failure, refresh: Refresh): HTMLElement {
  return h('section', { class: 'state whole', id: state, role: 'alert' },
    h('h1', {}, title),
    h('p', {}, text),
    retry && h('p', {}, h('button', { type: 'button', id: 'retry', click: refresh }, code === 'UNAUTHENTICATED' ? 'Sign in' : 'Try again')),
    h('dl', { class: 'help' },
      ...(code ? [h('dt', {}, 'Code'), h('dd', {}, h('code', {}, code))] : []),
      ...(requestId ? [h('dt', {}, 'Request'), h('dd', {}, h('code', {}, requestId))] : [])))
}

/** Names between backticks, as code. */
function named(text: string): (string | HTMLElement)[] {
  return text.split('`').map((part, place) => (place % 2 ? h('code', {}, part) : part))
}

/** In a frame a link would open inside the CRM's page. */
function link(text: string, url: string | null, name = ''): HTMLElement {
  const safe = url !== null && /^https?:\/\//i.test(url)
  return safe
    ? h('a', { class: name, href: url, target: '_blank', rel: 'noopener noreferrer' }, text)
    : h('span', { class: name }, text)
}

function tag({ text, tone }: Tag, id?: string): HTMLElement {
  return h('span', { class: `tag ${tone}`, id }, text)
}
