#!/usr/bin/env node
// reports.mjs URL ERP [--shot page.png] [--dark]
// Opens Spine's page of reports in Chromium as a person would, against a running gateway (`spine demo`): every report, filters,
// order, snippets, a phone's width, and what the page says while the ERP (its demo address, for the fault) is down. What is shown
// must be what the feed says, to the last digit. No request may leave for another host; every such request is refused and
// counted. CHROMIUM names the browser (default /usr/bin/chromium).
import { parseArgs } from 'node:util'
import { check, checkNothingWentWrong, finish, launch, watchedPage } from './session.mjs'

const { values: options, positionals: [given, erp] } = parseArgs({
  allowPositionals: true,
  options: { shot: { type: 'string' }, dark: { type: 'boolean', default: false } },
})
if (!given || !erp) {
  console.error('usage: reports.mjs URL ERP [--shot page.png] [--dark]')
  process.exit(2)
}
const url = new URL(given).href
const NUMERIC = ['count', 'amount', 'percent', 'number']

/** Chromium reports an answer with an error's status by itself. These are the ones that the test asks for. */
let expected = /^$/

const browser = await launch()
try {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    colorScheme: options.dark ? 'dark' : 'light',
    locale: 'en-US',
    permissions: ['clipboard-read', 'clipboard-write'],
  })
  const page = await watchedPage(context, (text) => expected.test(text))
  const { reports } = JSON.parse((await feed('/reports')).text)
  await opens(page, reports)
  for (const report of reports) await shows(page, report)
  await filters(page, reports[0])
  await order(page, reports[0])
  await bars(page, reports)
  await exactly(page, reports)
  await snippets(page, reports[0])
  await narrow(page, reports)
  await drills(page, reports)
  await refuses(page, reports[0])
  await survives(page, reports[0])
  checkNothingWentWrong()
} catch (error) {
  check('the page behaves', false, error.stack)
} finally {
  await fault('off')
  await browser.close()
}
finish()

async function opens(page, reports) {
  const response = await page.goto(url, { waitUntil: 'load', timeout: 30_000 })
  const { 'content-type': type = '', 'content-security-policy': policy = '' } = response.headers()
  check('the page is HTML', response.status() === 200 && type.startsWith('text/html'), `${response.status()} ${type}`)
  check('its content security policy lets in nothing from elsewhere and nothing written into the page',
    policy.includes("default-src 'none'") && policy.includes("script-src 'self'") && !/https?:|unsafe|data:|blob:/.test(policy), policy)
  check('there are reports', reports.length > 0, JSON.stringify(reports).slice(0, 200))
  const links = page.locator('nav li a strong')
  await until(async () => (await links.count()) > 0)
  const titles = await links.allInnerTexts()
  check('every report of the catalogue is listed', titles.join() === reports.map(({ title }) => title).join(), titles.join())
  await figures(page)
  if (options.shot) await page.screenshot({ path: options.shot, fullPage: true })
}

/** A report chosen from the list has the rows of its feed. */
async function shows(page, { name, title, columns }) {
  await page.locator('nav li a', { has: page.getByText(title, { exact: true }) }).click()
  check(`${name}: is in the address`, new URL(page.url()).searchParams.get('name') === name, page.url())
  await sameAsFeed(page, name, columns, '')
}

async function sameAsFeed(page, name, columns, query) {
  const { text, headers } = await feed(`/reports/${name}?format=json${query}`)
  const rows = exact(text)
  if (!rows.length) return check(`${name}${query}: says that there are no rows`, await until(() => page.locator('#empty').isVisible()), 'no such words')
  const told = rows.map((row) => columns.map((column) => row[column.name]))
  let difference
  const same = await until(async () => {
    const shown = await table(page)
    difference = differ(columns, told.slice(0, shown.length), shown) ?? (shown.length < Math.min(told.length, 300) ? `${shown.length} rows of ${told.length}` : null)
    return difference === null
  }, 30_000)
  check(`${name}${query}: ${rows.length} rows are what the feed says`, same, difference)
  const whole = await page.locator('.provenance').innerText()
  const included = /included=(\d+)/.exec(headers.get('x-completeness'))?.[1]
  check(`${name}${query}: says how many projects are in it, and when it was read`,
    whole.replaceAll(',', '').includes(`${included} projects`) && Boolean(headers.get('x-as-of')) && whole.includes('As of') && !whole.includes('unknown time'), `${whole} (${included})`)
}

/** The cells on the page: the text a person sees, and the exact one beneath it. */
function table(page) {
  return page.evaluate(() => [...document.querySelectorAll('#rows tbody tr')].map((row) => [...row.children].map((cell) =>
    ({ seen: cell.innerText.trim(), exact: cell.querySelector('data')?.value ?? null }))))
}

/** Where the page says something else than the feed; null if nowhere. */
function differ(columns, told, shown) {
  for (const [index, row] of told.entries()) {
    for (const [place, column] of columns.entries()) {
      const [value, cell] = [row[place], shown[index]?.[place]]
      if (!cell || !agrees(column.kind, value, cell)) return `row ${index + 1}, ${column.name}: ${JSON.stringify(value)} is shown as ${JSON.stringify(cell)}`
    }
  }
  return null
}

function agrees(kind, value, { seen, exact }) {
  if (value === null) return seen === '–'
  if (NUMERIC.includes(kind)) {
    const plain = seen.replaceAll(',', '').replace(/\u00a0?\s?%$/, '')
    return exact === String(value) && bare(plain) === bare(String(value)) && seen.endsWith('%') === (kind === 'percent')
  }
  if (kind === 'text') return seen.replace(/\s+/g, ' ') === String(value).replace(/\s+/g, ' ').trim()
  if (kind === 'flag') return seen === (value ? 'Yes' : 'No')
  return seen.includes(String(value).slice(0, 4))
}

/** Without the zeros that only fill up places. */
function bare(decimal) {
  return decimal.includes('.') ? decimal.replace(/\.?0+$/, '') : decimal
}

async function filters(page, { name, columns }) {
  await page.goto(`${url}?name=${name}`)
  await figures(page)
  await page.locator('#status').selectOption('won')
  check('a filter is in the address', await until(() => new URL(page.url()).searchParams.get('status') === 'won'), page.url())
  await sameAsFeed(page, name, columns, '&status=won')
  await page.locator('#from').fill('2026-01-01')
  await page.locator('#from').blur()
  check('a second one joins it', await until(() => new URL(page.url()).search.includes('from=2026-01-01')), page.url())
  await sameAsFeed(page, name, columns, '&status=won&from=2026-01-01')
  await page.goBack()
  check('the back button takes it back', !page.url().includes('from=') && (await until(async () => (await page.locator('#from').inputValue()) === '')), page.url())
  await sameAsFeed(page, name, columns, '&status=won')
  await page.locator('#clear').click()
  await sameAsFeed(page, name, columns, '')
}

async function order(page, { columns }) {
  const column = columns.find(({ kind }) => kind === 'count') ?? columns.find(({ kind }) => kind === 'amount')
  const place = columns.indexOf(column)
  const numbers = async () => (await table(page)).map((row) => row[place].exact).filter((each) => each !== null).map(Number)
  await page.locator(`[data-column="${column.name}"]`).click()
  const down = await numbers()
  check('a click on a column orders the rows, the greatest first', down.length > 1 && down.every((each, index) => !index || down[index - 1] >= each), down.join())
  check('the column says so', (await page.locator('th[aria-sort=descending]').innerText()).startsWith(column.label), column.label)
  await page.keyboard.press('Enter')
  const up = await numbers()
  check('the keyboard turns the order round', up.every((each, index) => !index || up[index - 1] <= each), up.join())
}

async function bars(page, reports) {
  for (const { name, chart } of reports.filter(({ chart }) => chart)) {
    const rows = exact((await feed(`/reports/${name}?format=json`)).text)
    if (!rows.length) continue
    await page.goto(`${url}?name=${name}`)
    await figures(page)
    const groups = rows.reduce((all, row) => all.set(row.currency, [...(all.get(row.currency) ?? []), row]), new Map())
    const wanted = [...groups.values()].map((group) => group.slice(0, 20).map((row) => sign(row[chart.value])).join('')).join(' ')
    const drawn = await page.evaluate(() => [...document.querySelectorAll('.bars')].map((group) =>
      [...group.querySelectorAll('rect')].map((rect) => ({ unknown: '?', below: '-', above: '+' })[rect.getAttribute('class')]).join('')).join(' '))
    check(`${name}: a bar for every row, apart by currency, unknown ones marked`, drawn === wanted, `${drawn} for ${wanted}`)
  }
}

function sign(value) {
  return value === null ? '?' : value.startsWith('-') ? '-' : '+'
}

/** What no demo has: an amount that no float holds, one below zero and above -1, and one that is unknown. */
async function exactly(page, reports) {
  const { name, columns, chart } = reports.find(({ chart, columns }) => columns.some(({ name, kind }) => name === chart?.value && kind === 'amount'))
  const rows = ['-12345678901234567.8901', '-0.5', null].map((amount) => columns.map((column) => {
    const value = column.name === chart.value ? amount : column.name === 'currency' ? '"EUR"' : column.kind === 'text' ? '"x"' : null
    return `${JSON.stringify(column.name)}: ${value}`
  }))
  const body = `[${rows.map((row) => `{${row.join(', ')}}`).join(', ')}]`
  const path = (address) => address.pathname === `/reports/${name}` && address.searchParams.has('format')
  await page.route(path, (route) => route.fulfill({ contentType: 'application/json', body }))
  await page.goto(`${url}?name=${name}&sort=-${chart.value}`)
  await figures(page)
  const place = columns.findIndex((column) => column.name === chart.value)
  const seen = (await table(page)).map((row) => row[place].seen).join(' ')
  check('an amount is shown to the last digit, and an unknown one comes last', seen === '-0.5000 -12,345,678,901,234,567.8901 –', seen)
  await page.unroute(path)
}

async function snippets(page, { name }) {
  await page.goto(`${url}?name=${name}&status=won`)
  await figures(page)
  const tabs = page.getByRole('tab')
  const names = await tabs.allInnerTexts()
  for (const tab of names) {
    await tabs.filter({ hasText: tab }).click()
    const panel = page.getByRole('tabpanel')
    await panel.getByRole('button').click()
    const copied = await page.evaluate(() => navigator.clipboard.readText())
    const own = tab === 'OData' ? '/odata/' : new URL(url).origin
    check(`${tab}: the snippet is copied`, (await panel.getByRole('button').innerText()) === 'Copied' && copied === (await panel.locator('code').innerText()) && copied.includes(own), copied.slice(0, 200))
    for (const [address] of copied.matchAll(/http[^'"\s]+\/reports\/[^'"\s]+/g)) {
      const { status } = await feed(address)
      check(`${tab}: ${new URL(address).pathname} answers`, status === 200 && address.includes('status=won'), `${status} ${address}`)
    }
  }
  const saved = page.waitForEvent('download')
  await page.getByRole('link', { name: 'Download CSV' }).click()
  check('CSV is downloaded under the name of the report', (await saved).suggestedFilename() === `${name}.csv`, (await saved).suggestedFilename())
}

async function narrow(page, reports) {
  await page.setViewportSize({ width: 400, height: 800 })
  await page.goto(`${url}?name=${reports[0].name}`)
  await figures(page)
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
  check('on 400 pixels nothing is wider than the page', wide <= 0, `${wide} px`)
  const last = reports.at(-1)
  await page.getByRole('combobox', { name: 'Report' }).selectOption(last.name)
  check('the list is a choice there', await until(async () => (await page.locator('h1').innerText()) === last.title), await page.locator('h1').innerText())
  await page.setViewportSize({ width: 1280, height: 800 })
}

/** A row leads to its records. */
async function drills(page, reports) {
  for (const { name } of reports) {
    await page.goto(`${url}?name=${name}`)
    await figures(page)
    const link = page.locator('#rows tbody a').first()
    if (!(await link.count())) continue
    await link.click()
    await page.locator('.graphiql-tab-button', { hasText: /OfRow$/ }).waitFor({ timeout: 30_000 })
    await page.locator('.graphiql-query-editor .monaco-editor').waitFor({ timeout: 30_000 })
    const answer = page.waitForResponse((response) => response.request().postData()?.includes('OfRow') ?? false)
    await page.locator('.graphiql-execute-button').click()
    const { data } = await (await answer).json()
    check(`${name}: a row leads to its records in GraphiQL`, Boolean(data?.project ?? data?.deals?.totalCount), JSON.stringify(data)?.slice(0, 200))
    return
  }
  check('a row leads to its records in GraphiQL', false, 'no report has a link')
}

/** What cannot be asked is said, and the way out stays. */
async function refuses(page, { name }) {
  expected = /status of 40[04]/
  await page.goto(`${url}?name=${name}&currency=XX`)
  const words = page.locator('#problem')
  await words.waitFor({ timeout: 10_000 })
  check('a filter that cannot be is named', /currency/i.test(await words.innerText()), await words.innerText())
  await page.locator('#clear').click()
  check('without it the rows are back', await until(() => page.locator('#rows').isVisible()), 'no rows')
  await page.goto(`${url}?name=no-such-report`)
  check('an unknown report is said to be unknown', await until(async () => (await page.locator('main').innerText()).includes('no-such-report')), await page.locator('main').innerText())
  expected = /^$/
}

/** Without the ERP there are no figures, but words; with it they come back on a click. */
async function survives(page, { name }) {
  await page.goto(`${url}?name=${name}`)
  await figures(page)
  await fault('down')
  expected = /status of 503/
  await page.locator('#refresh').click()
  const words = page.locator('#problem')
  await words.waitFor({ timeout: 120_000 })
  const said = await words.innerText()
  check('without the ERP the page shows no figures', !(await page.locator('#rows').count()), 'there is a table')
  check('it says why, with the code and the request', /Code\s+[A-Z_]+/.test(said) && /Request\s+\S+/.test(said), said)
  check('it counts down to the next try', /another try (in \d+ s|now)/.test(said), said)
  await fault('off')
  const back = await until(async () => {
    if (await page.locator('#rows').isVisible()) return true
    const retry = page.locator('#retry')
    if (await retry.isVisible()) await retry.click()
    await new Promise((resolve) => setTimeout(resolve, 500))
    return false
  }, 120_000)
  check('once the ERP is back a click brings the figures', back, 'no rows')
  expected = /^$/
}

async function fault(mode) {
  await fetch(new URL('/_demo/fault', erp), { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ mode }) })
}

/** Waits until a report, or that it has no rows, is on the page. */
async function figures(page) {
  await page.locator('#rows, #empty').waitFor({ timeout: 60_000 })
}

async function feed(path) {
  const response = await fetch(new URL(path, url), { headers: { accept: 'application/json' } })
  return { status: response.status, headers: response.headers, text: await response.text() }
}

/** JSON whose numbers stay the texts they are. */
function exact(json) {
  return JSON.parse(json.replace(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g, (token) => (token.startsWith('"') ? token : `"${token}"`)))
}

async function until(holds, timeout = 10_000) {
  for (const deadline = Date.now() + timeout; ;) {
    if (await holds()) return true
    if (Date.now() > deadline) return false
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
