// What the tests in Chromium have in common: a browser that lets no request leave for another host, and a count of checks.
import { chromium } from 'playwright-core'

let passed = 0
let failed = 0
const foreign = new Set()
const errors = []

export function check(name, ok, why = '') {
  if (ok) passed++
  else failed++
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${name}${ok ? '' : `: ${why}`}`)
}

/** CHROMIUM names the browser (default /usr/bin/chromium). */
export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
  })
}

/** A page whose foreign requests are refused and recorded, as are its errors, but for those that are expected. */
export async function watchedPage(context, isExpected = () => false) {
  await context.route('**/*', (route) => {
    if (isLocal(route.request().url())) return route.continue()
    foreign.add(route.request().url())
    return route.abort()
  })
  const page = await context.newPage()
  page.on('websocket', (socket) => isLocal(socket.url()) || foreign.add(socket.url()))
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (line) => line.type() === 'error' && !isExpected(line.text()) && errors.push(line.text()))
  return page
}

export function checkNothingWentWrong() {
  check('no request left for another host', !foreign.size, [...foreign].slice(0, 5).join(' '))
  check('no page error, no refusal by the content security policy', !errors.length, errors.slice(0, 3).join(' | '))
}

/** Says how many checks passed, and ends the process by it. */
export function finish() {
  console.log(`${passed} passed, ${failed} failed`)
  process.exit(failed ? 1 : 0)
}

function isLocal(address) {
  const { protocol, hostname } = new URL(address)
  return ['127.0.0.1', 'localhost', '[::1]'].includes(hostname) || ['data:', 'blob:', 'about:'].includes(protocol)
}
