import { h } from './dom'
import { Problem } from './feed'

/** What is to come, in its shape, with the seconds it has taken so far. */
export function loading(): HTMLElement {
  const started = Date.now()
  const clock = h('span', { class: 'muted' })
  const timer = setInterval(() => {
    if (!clock.isConnected) return clearInterval(timer)
    const seconds = Math.floor((Date.now() - started) / 1000)
    if (seconds > 1) clock.textContent = `Asking the systems … ${seconds} s`
  }, 500)
  const lines = [72, 58, 90, 40, 66].map((width) => h('div', { class: `line w${width}` }))
  return h('div', { class: 'loading', role: 'status', 'aria-label': 'Loading' },
    h('div', { class: 'provenance' }, clock),
    h('div', { class: 'card skeleton' }, ...lines),
    h('div', { class: 'card skeleton' }, ...lines.map((line) => line.cloneNode())))
}

export function empty(filtered: boolean, clear: () => void): HTMLElement {
  return h('div', { class: 'card state', id: 'empty' },
    h('h2', {}, 'No rows'),
    h('p', {}, filtered ? 'Nothing passes these filters.' : 'There is nothing to report.'),
    filtered && h('p', {}, h('button', { type: 'button', click: clear }, 'Clear the filters')))
}

/** Why there are no figures, and a way to ask again. Nothing is asked before the reader wants it. */
export function problem(error: unknown, retry: () => void): HTMLElement {
  const { message, code, requestId, retryAfter, ofReader } =
    error instanceof Problem ? error : new Problem('The page has a defect and cannot show this.', 'PAGE', String(error))
  const wait = h('span', { class: 'muted', id: 'wait' })
  if (retryAfter) countDown(wait, Date.now() + retryAfter * 1000)
  return h('div', { class: 'card state', role: 'alert', id: 'problem' },
    h('h2', {}, ofReader ? 'This cannot be answered' : 'No figures rather than wrong ones'),
    h('p', {}, message),
    h('p', {}, h('button', { type: 'button', id: 'retry', click: retry }, 'Try again'), ' ', wait),
    h('dl', {},
      ...(code ? [h('dt', {}, 'Code'), h('dd', {}, h('code', {}, code))] : []),
      ...(requestId ? [h('dt', {}, 'Request'), h('dd', {}, h('code', {}, requestId))] : [])))
}

function countDown(wait: HTMLElement, until: number): void {
  const tell = () => {
    const seconds = Math.ceil((until - Date.now()) / 1000)
    wait.textContent = seconds > 0 ? `Worth another try in ${seconds} s.` : 'Worth another try now.'
    if (seconds <= 0) clearInterval(timer)
  }
  const timer = setInterval(tell, 250)
  tell()
}
