import '../fonts.css'
import './reports.css'

import { account } from '../sign-in'
import { chart } from './chart'
import { h } from './dom'
import { elsewhere } from './elsewhere'
import { type Answer, catalogue, type Report, rows } from './feed'
import { Filters } from './filters'
import { provenance } from './provenance'
import { empty, loading, problem } from './states'
import { sorted, table } from './table'
import { readView, type View, writeView } from './view'

const list = h('ul')
const picker = h('select', { 'aria-label': 'Report', change: () => go({ ...view, name: picker.value, sort: undefined, draw: undefined }) })
const title = h('h1', { tabindex: -1 }, 'Reports')
const question = h('p', { class: 'question' })
const filters = new Filters((filter) => go({ ...view, filter }))
const body = h('div', { id: 'body' }, loading())

let view = readView(location.search)
let reports: Report[] = []
/** The answer at hand, and to what. */
let shown: { report: Report; filter: string; answer: Answer } | null = null
/** Whose figures are on the page. */
let drawn: Report | null = null
let asking = new AbortController()

document.getElementById('reports')?.append(
  h('nav', { 'aria-label': 'Reports' }, picker, list),
  h('main', {}, title, question, filters.element, body))
document.querySelector('header.top')?.append(account())
addEventListener('popstate', () => {
  view = readView(location.search)
  show()
})
start()

async function start(): Promise<void> {
  try {
    const all = await catalogue()
    reports = all.reports
    filters.explain(all.parameters)
  } catch (error) {
    put(null, problem(error, () => {
      put(null, loading())
      start()
    }))
    return
  }
  picker.replaceChildren(...reports.map(({ name, title }) => h('option', { value: name }, title)))
  show()
}

/** Goes where the reader wants, as a step that the back button takes back. */
function go(to: View): void {
  if (writeView(to) === writeView(view)) return
  view = to
  history.pushState(null, '', writeView(view))
  show()
}

/** Shows what the address says, with the answer at hand if it is the same question. */
function show(): void {
  const report = view.name === undefined ? reports[0] : reports.find(({ name }) => name === view.name)
  list.replaceChildren(...reports.map((each) => link(each, each === report)))
  filters.show(view.filter)
  title.textContent = report?.title ?? 'Reports'
  question.textContent = report?.question ?? ''
  document.title = report ? `${report.title} · Spine` : 'Reports · Spine'
  picker.value = report?.name ?? ''
  if (!report) {
    asking.abort()
    put(null, nothing())
    return
  }
  if (shown?.report === report && shown.filter === JSON.stringify(view.filter)) draw()
  else load(report, false)
}

async function load(report: Report, fresh: boolean): Promise<void> {
  asking.abort()
  asking = new AbortController()
  const { signal } = asking
  const { filter } = view
  shown = null
  // Other filters of the same report: its figures stay, pale, so that nothing jumps.
  if (drawn === report) body.setAttribute('aria-busy', 'true')
  else put(null, loading())
  try {
    const answer = await rows(report.name, filter, fresh, signal)
    if (signal.aborted) return
    shown = { report, filter: JSON.stringify(filter), answer }
    filters.learn(report, answer.rows)
    draw()
  } catch (error) {
    if (signal.aborted) return
    put(null, problem(error, () => load(report, fresh)))
  }
}

function draw(): void {
  if (!shown) return
  const { report, answer } = shown
  const ordered = sorted(report, answer.rows, view.sort)
  const parts = answer.rows.length
    ? [
        chart(report, ordered, view.draw, (draw) => replace({ ...view, draw })),
        table(report, ordered, view.filter, view.sort, (sort) => replace({ ...view, sort })),
      ]
    : [empty(Object.keys(view.filter).length > 0, () => go({ ...view, filter: {} }))]
  put(report, provenance(answer, () => load(report, true)), ...parts.filter((part) => part !== null), elsewhere(report, view.filter))
}

/** Fills the page below the filters, with the figures of a report or with something else. */
function put(report: Report | null, ...parts: HTMLElement[]): void {
  drawn = report
  body.replaceChildren(...parts)
  body.removeAttribute('aria-busy')
}

/** Another look at the same answer: no step of its own, and the focus stays where it was. */
function replace(to: View): void {
  const focused = document.activeElement
  const column = focused?.getAttribute('data-column')
  const scrolled = body.querySelector('.scroll')?.scrollLeft ?? 0
  view = to
  history.replaceState(null, '', writeView(view))
  draw()
  const again = body.querySelector<HTMLElement>(column ? `[data-column="${CSS.escape(column)}"]` : focused?.id ? `#${CSS.escape(focused.id)}` : ':not(*)')
  again?.focus({ preventScroll: true })
  body.querySelector('.scroll')?.scrollTo({ left: scrolled })
}

function link(report: Report, current: boolean): HTMLElement {
  const to = { name: report.name, filter: view.filter }
  const follow = (event: Event) => {
    const { metaKey, ctrlKey, shiftKey } = event as MouseEvent
    if (metaKey || ctrlKey || shiftKey) return
    event.preventDefault()
    go(to)
    title.focus({ preventScroll: true })
  }
  return h('li', {}, h('a', { href: writeView(to), click: follow, 'aria-current': current && 'page' },
    h('strong', {}, report.title), h('span', {}, report.question)))
}

function nothing(): HTMLElement {
  return h('div', { class: 'card state' },
    h('h2', {}, reports.length ? `There is no report “${view.name}”` : 'There are no reports'),
    reports.length > 0 && h('p', {}, 'Choose one from the list.'))
}
