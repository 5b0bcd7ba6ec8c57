import { h } from '../reports/dom'

/** What is to come, in its shape, with the seconds it has taken so far. */
export function loading(): HTMLElement {
  const started = Date.now()
  const clock = h('p', { class: 'note' }, 'Asking the systems …')
  const timer = setInterval(() => {
    if (!clock.isConnected) return clearInterval(timer)
    const seconds = Math.floor((Date.now() - started) / 1000)
    if (seconds > 1) clock.textContent = `Asking the systems … ${seconds} s`
  }, 500)
  const lines = (count: number) => Array.from({ length: count }, () => h('div', { class: 'line' }))
  const section = (name: string, count: number) => h('section', { class: 'skeleton', 'data-section': name }, ...lines(count))
  return h('div', { role: 'status', 'aria-label': 'Loading the card' },
    h('header', { class: 'skeleton head' }, ...lines(3)),
    section('figures', 2), section('progress', 2), section('facts', 3), section('invoices', 3), section('support', 1),
    h('footer', {}, clock))
}
