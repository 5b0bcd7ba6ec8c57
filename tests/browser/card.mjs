#!/usr/bin/env node
// card.mjs GRAPHQL ERP PROJECTS CRM SPINE [--shots DIR]
// Opens Spine's deal card in Chromium as a CRM would show it, against a running gateway (`spine demo`): every state, three widths,
// light and dark, by keyboard, in a frame. GRAPHQL is the gateway's address, ERP, PROJECTS and CRM those of the demo's systems (for
// faults, corrections and a second gateway), SPINE the binary. What is shown must be what the stored operation says. No request may
// leave for another host. CHROMIUM names the browser (default /usr/bin/chromium).
import { spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { check, checkNothingWentWrong, finish, launch, watchedPage } from './session.mjs'

const { values: options, positionals: [graphql, erp, projects, crm, spine] } = parseArgs({
  allowPositionals: true,
  options: { shots: { type: 'string' } },
})
if (!spine) {
  console.error('usage: card.mjs GRAPHQL ERP PROJECTS CRM SPINE [--shots DIR]')
  process.exit(2)
}
const origin = new URL(graphql).origin
const OPERATION = '/graphql/p/deal-card'

/** Chromium reports refusals and failed requests by itself. These are the ones that the test asks for. */
let expected = /^$/

const browser = await launch()
try {
  const context = await browser.newContext({ viewport: { width: 400, height: 800 }, locale: 'en-US', timezoneId: 'UTC' })
  const page = await watchedPage(context, (text) => expected.test(text))
  const deals = await chosen()
  await opens(page, deals)
  await saysWhatTheAnswerSays(page, deals.whole)
  await fits(browser, deals)
  await states(page, deals)
  await made(page, deals.whole)
  await keyboard(page, deals.whole)
  await follows(page, deals.corrected)
  await live(page, deals.corrected)
  await silent(page, deals.whole, erp, 'SAP Business One', ['Invoiced', 'Forecast margin', 'Overdue'], 'Project manager')
  await silent(page, deals.whole, projects, 'Redmine', ['Project manager', 'Dates'], 'Invoiced')
  await frames(context, deals.whole)
  checkNothingWentWrong()
} catch (error) {
  check('the card behaves', false, error.stack)
} finally {
  await fault(erp, 'off')
  await fault(projects, 'off')
  await browser.close()
}
finish()

/** Deals of the demo that show one thing each. */
async function chosen() {
  const query = `{ deals(first: 200) { nodes { source { recordId } status link { status } project { source { status } openCriticalIncidents
    percentComplete invoices { status number } } financials { budgetBurnedPct overdue { amount } } } } }`
  const { data } = await ask('/graphql', { query })
  const all = data.deals.nodes
  const find = (is) => all.find(is)?.source.recordId
  const deals = {
    whole: find(({ project, financials }) => project?.percentComplete && financials.budgetBurnedPct && Number(financials.overdue?.amount) > 0),
    unlinked: find(({ status, link }) => status === 'WON' && link.status === 'NOT_LINKED'),
    malformed: find(({ link }) => link.status === 'MALFORMED'),
    notFound: find(({ project }) => project?.source?.status === 'NOT_FOUND'),
  }
  const corrected = all.find(({ project }) => project?.invoices?.some(({ status }) => status === 'OVERDUE'))
  deals.corrected = { deal: corrected?.source.recordId, invoice: corrected?.project.invoices.find(({ status }) => status === 'OVERDUE').number }
  check('the demo has a deal for every state', Object.values(deals).every(Boolean), JSON.stringify(deals))
  return deals
}

async function opens(page, { whole }) {
  const response = await page.goto(`${origin}/card/${whole}`)
  const { 'content-type': type = '', 'content-security-policy': policy = '' } = response.headers()
  check('the card is HTML', response.status() === 200 && type.startsWith('text/html'), `${response.status()} ${type}`)
  check('its content security policy lets in nothing from elsewhere and nothing written into the page, and nobody may frame it',
    policy.includes("default-src 'none'") && policy.includes("frame-ancestors 'none'") && !/https?:|unsafe|data:|blob:/.test(policy), policy)
  await ready(page)
  check('it is titled by the project', /^PRJ-\d{4}-\d+ · Spine$/.test(await page.title()), await page.title())
  const { data } = await ask(OPERATION, { variables: { by: { id: whole } } })
  await page.goto(`${origin}/card/${encodeURIComponent(data.deal.id)}`)
  await ready(page)
  check('the global ID leads to the same card', (await page.title()).startsWith(data.deal.project.code), await page.title())
}

async function saysWhatTheAnswerSays(page, id) {
  const { data: { deal } } = await ask(OPERATION, { variables: { by: { id } } })
  const { financials, project } = deal
  for (const [label, value] of [
    ['Contract value', financials.contractValue.amount], ['Invoiced', financials.invoicedPct],
    ['Forecast margin', financials.forecastMarginPct], ['Overdue', financials.overdue.amount],
  ]) {
    const text = await valueOf(page, label)
    check(`${label} is what the answer says, to the last digit`, bare(text) === bare(value), `${text} for ${value}`)
  }
  const bars = page.getByRole('progressbar')
  const told = await Promise.all([0, 1].map((place) => bars.nth(place).getAttribute('aria-valuetext')))
  check('two bars, work and budget', (await bars.count()) === 2 && bare(told[0]) === bare(project.percentComplete) && bare(told[1]) === bare(financials.budgetBurnedPct), told.join())
  const ends = await bars.evaluateAll((all) => all.map((bar) => [...bar.querySelectorAll('.fill')].reduce((sum, fill) => sum + fill.getBoundingClientRect().width, 0) / bar.getBoundingClientRect().width))
  const wanted = [project.percentComplete, financials.budgetBurnedPct].map((percent) => percent / Math.max(100, financials.budgetBurnedPct))
  check('their lengths are on one scale', ends.every((end, place) => Math.abs(end - wanted[place]) < 0.02), `${ends} for ${wanted}`)
  const gap = Math.abs(financials.budgetBurnedPct - project.percentComplete).toFixed(2).replace(/\.?0+$/, '')
  check('the gap between them is said', (await page.locator('#gap').innerText()).includes(gap), await page.locator('#gap').innerText())
  const rows = await page.locator('tbody tr').count()
  check('at most five invoices, the late one first', rows === Math.min(5, project.invoices.filter(({ status }) => status !== 'VOID').length) &&
    /Overdue/.test(await page.locator('tbody tr').first().innerText()) && /\d days? late/.test(await page.locator('tbody tr').first().innerText()), `${rows} rows`)
  const systems = await page.locator('#freshness li').allInnerTexts()
  check('every system says when it was asked', ['HubSpot', 'Redmine', 'SAP Business One'].every((name) => systems.some((text) => text.startsWith(name) && /\d:\d\d/.test(text))), systems.join())
  const links = await page.locator('main a').evaluateAll((all) => all.map(({ target, rel }) => `${target} ${rel}`))
  check('links leave the frame', links.length > 0 && links.every((each) => each === '_blank noopener noreferrer'), links.join())
}

/** Three widths, light and dark: nothing is cut off, and all text stands out from its ground. */
async function fits(browser, deals) {
  for (const colorScheme of ['light', 'dark']) {
    for (const width of [320, 400, 480]) {
      const context = await browser.newContext({ viewport: { width, height: 800 }, locale: 'en-US', timezoneId: 'UTC', colorScheme, reducedMotion: 'reduce', deviceScaleFactor: 2 })
      const page = await watchedPage(context)
      for (const name of ['whole', 'malformed', 'notFound']) {
        await page.goto(`${origin}/card/${deals[name]}`)
        await ready(page)
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
        check(`${name}, ${width} px, ${colorScheme}: nothing is wider than the card`, wide <= 0, `${wide} px`)
        const pale = await page.evaluate(paleTexts)
        check(`${name}, ${width} px, ${colorScheme}: every text stands out`, !pale.length, pale.slice(0, 4).join(' | '))
        if (options.shots) await page.screenshot({ path: join(options.shots, `${name}-${width}-${colorScheme}.png`), fullPage: true })
      }
      await context.close()
    }
  }
}

/** What the demo's own flaws show. */
async function states(page, { unlinked, malformed, notFound }) {
  await page.goto(`${origin}/card/${unlinked}`)
  await ready(page)
  let said = await page.locator('main').innerText()
  check('a deal without a project names the field to fill', said.includes('Not linked to a project yet') && said.includes('fill the field project_code in the CRM'), said)
  check('and shows no figure of a project', !said.includes('Contract value') && !said.includes('Overdue'), said)
  await page.goto(`${origin}/card/${malformed}`)
  await ready(page)
  const { data } = await ask(OPERATION, { variables: { by: { id: malformed } } })
  said = await page.locator('main').innerText()
  check('a mistyped ID is shown as it stands in the CRM', said.includes(data.deal.link.raw), said)
  await page.goto(`${origin}/card/${notFound}`)
  await ready(page)
  said = await page.locator('main').innerText()
  check('a project that the project tool does not know is named', /PRJ-\d{4}-\d+ is not in Redmine/.test(said), said)
  check('its progress is unknown, not 0', /Work complete\s+–/.test(said) && (await page.getByRole('progressbar').count()) === 1, said)
  for (const strange of ['1', '%', 'a%2Fb', '%3Cimg%20src%3Dx%3E', 'deal:sap:1']) {
    await page.goto(`${origin}/card/${strange}`)
    await ready(page)
    said = await page.locator('main').innerText()
    check(`/card/${strange}: an unknown deal is said to be unknown`, said.includes('does not know this deal'), said)
  }
}

/** What no demo has: answers made for the purpose. */
async function made(page, id) {
  const answer = await ask(OPERATION, { variables: { by: { id } } })
  const with_ = (change) => {
    const copy = structuredClone(answer)
    change(copy.data.deal, (copy.errors = []))
    return { body: JSON.stringify(copy) }
  }
  const error = (code, path, more = {}) => ({ message: code, path: ['deal', ...path], extensions: { code, requestId: 'feedfacecafebeef', ...more } })
  const refusal = (status, code) => ({ status, body: JSON.stringify({ errors: [{ message: 'No.', extensions: { code, requestId: 'feedfacecafebeef' } }] }) })

  // What is told of the deal is what is so, and not what is made up here.
  await page.route('**/graphql', (route) => route.fulfill({ contentType: 'text/event-stream', body: 'event: complete\ndata: \n\n' }))
  let said = await shown(with_(({ financials }, errors) => {
    financials.forecastMarginPct = financials.budgetBurnedPct = null
    errors.push(error('FIELD_MASKED', ['financials', 'forecastMarginPct']), error('FIELD_MASKED', ['financials', 'budgetBurnedPct']))
  }))
  check('who may not see the margin sees what is left to invoice', said.includes('Left to invoice') && !said.includes('Forecast margin') && said.includes('not shown for your role'), said)

  said = await shown(with_(({ financials }) => {
    for (const source of financials.sources.filter(({ connection }) => connection === 'sap')) Object.assign(source, { status: 'STALE', asOf: new Date(Date.now() - 7_300_000).toISOString() })
  }))
  check('an old value says how old it is', said.includes('What SAP Business One says is 2 h old') && said.includes('out of date'), said)

  said = await shown(with_(({ project }, errors) => {
    project.health = project.percentComplete = null
    errors.push(error('DATA_CONFLICT', ['project', 'health'], { system: 'redmine', connection: 'redmine' }), error('DATA_CONFLICT', ['project', 'percentComplete'], { system: 'redmine', connection: 'redmine' }))
  }))
  check('two records for one ID are said to be a conflict', /Redmine holds more than one record for PRJ-/.test(said), said)

  said = await shown({ body: JSON.stringify({ data: { deal: null }, errors: [error('UPSTREAM_TIMEOUT', [], { system: 'hubspot', connection: 'hubspot' })] }) })
  check('without the CRM there is a failure with the request', said.includes('HubSpot is not answering') && said.includes('feedfacecafebeef') && !said.includes('Contract'), said)

  expected = /status of (401|403|502|503)|ERR_FAILED/
  said = await shown(refusal(401, 'UNAUTHENTICATED'), () => page.getByRole('dialog', { name: 'Sign in' }).getByRole('button', { name: 'Cancel' }).click())
  check('who does not sign in is told', said.includes('You are not signed in') && said.includes('feedfacecafebeef'), said)
  said = await shown(refusal(403, 'NO_ROLE'))
  check('who has no role is told', said.includes('This is not yours to see'), said)
  said = await shown(refusal(503, 'OVERLOADED'))
  check('a busy gateway shows no figures', said.includes('No figures rather than wrong ones') && said.includes('OVERLOADED'), said)
  said = await shown({ status: 502, contentType: 'text/html', body: '<h1>Bad gateway</h1>' })
  check('a proxy’s page is not taken for an answer', said.includes('HTTP 502'), said)
  await page.route(`**${OPERATION}`, (route) => route.abort())
  await page.goto(`${origin}/card/${id}`)
  await ready(page)
  check('no network is a failure with a way out', (await page.locator('#failed').innerText()).includes('cannot be reached') && (await page.locator('#retry').isVisible()), await page.locator('main').innerText())
  await page.unroute(`**${OPERATION}`)
  await page.locator('#retry').click()
  check('and a click brings the card', await until(() => page.locator('.figures').isVisible()), await page.locator('main').innerText())
  expected = /^$/

  let answerNow
  await page.route(`**${OPERATION}`, async (route) => {
    await new Promise((resolve) => (answerNow = resolve))
    await route.continue()
  })
  await page.goto(`${origin}/card/${id}`)
  const skeletons = page.locator('.skeleton')
  await skeletons.first().waitFor()
  check('while it waits every section has its shape', (await skeletons.count()) === 6 && (await page.getByRole('status', { name: 'Loading the card' }).count()) === 1, `${await skeletons.count()}`)
  answerNow()
  await ready(page)
  await page.unroute(`**${OPERATION}`)
  await page.unroute('**/graphql')

  /** The card with this answer. */
  async function shown(answer, meanwhile = () => {}) {
    await page.route(`**${OPERATION}`, (route) => route.fulfill({ contentType: 'application/json', ...answer }))
    await page.goto(`${origin}/card/${id}`)
    await meanwhile()
    await ready(page)
    await page.unroute(`**${OPERATION}`)
    return page.locator('main').innerText()
  }
}

async function keyboard(page, id) {
  await page.goto(`${origin}/card/${id}`)
  await ready(page)
  const asked = page.waitForRequest((request) => request.url().endsWith(OPERATION))
  for (let steps = 0; steps < 40; steps++) {
    await page.keyboard.press('Tab')
    if ((await page.evaluate(() => document.activeElement.id)) === 'refresh') break
  }
  await page.keyboard.press('Enter')
  const request = await asked
  check('the keyboard reaches Refresh, which asks the systems anew', request.method() === 'POST' && request.headers()['cache-control'] === 'no-cache', JSON.stringify(request.headers()))
  check('it sends the variables alone', request.postData() === JSON.stringify({ variables: { by: { id: String(id) } } }), request.postData())
  await ready(page)
  check('and keeps the focus', (await page.evaluate(() => document.activeElement.id)) === 'refresh', 'elsewhere')
  check('what was read for this answer is live', (await page.locator('#freshness').innerText()).includes('live'), await page.locator('#freshness').innerText())
}

/** An invoice is corrected in the ERP: the card follows. */
async function follows(page, { deal, invoice }) {
  await page.goto(`${origin}/card/${deal}`)
  await ready(page)
  const row = page.locator('tbody tr', { hasText: String(invoice) })
  const before = await row.locator('.amount').innerText()
  await control(erp, 'correct', { invoice: Number(invoice), net: '4321.09' })
  await page.locator('#refresh').click()
  const moved = await until(async () => (await row.locator('.amount').innerText()) !== before)
  check('a correction in the ERP is on the card after a click', moved, before)
}

/** The ERP tells of a correction: the card follows by itself, calmly; and it says when it does not. */
async function live(page, { deal, invoice }) {
  const corrected = async (net) => {
    await control(erp, 'correct', { invoice: Number(invoice), net })
    const body = JSON.stringify({ kind: 'invoice' })
    const signature = createHmac('sha256', 'demo-webhook-secret').update(body).digest('hex')
    const told = await fetch(`${origin}/webhooks/sap`, { method: 'POST', headers: { 'x-spine-signature': signature }, body })
    check('the gateway hears of the correction', told.status === 204, `${told.status}`)
  }
  const state = page.locator('#live')
  const says = (text, timeout) => until(async () => (await state.innerText()) === text, timeout)
  const look = (hidden) => page.evaluate((hidden) => {
    Object.defineProperty(document, 'hidden', { value: hidden, configurable: true })
    document.dispatchEvent(new Event('visibilitychange'))
  }, hidden)
  const asked = []
  page.on('request', (request) => request.url().endsWith(OPERATION) && asked.push(request.headers()['cache-control']))

  await page.setViewportSize({ width: 400, height: 500 })
  await page.goto(`${origin}/card/${deal}`)
  await ready(page)
  check('the card says that it follows', await says('Follows changes'), await state.innerText())
  const row = page.locator('tbody tr', { hasText: String(invoice) })
  const amount = () => row.locator('.amount .value').innerText()
  const link = row.locator('a').first()
  if (await link.count()) await link.focus()
  else await page.locator('#refresh').focus()
  await page.evaluate(() => {
    scrollTo(0, 150)
    Object.assign(window, { kept: [document.activeElement, document.querySelector('tbody'), document.querySelector('.figures')], y: scrollY, busy: 0 })
    new MutationObserver(() => window.busy++).observe(document.getElementById('card'), { attributes: true })
  })
  asked.length = 0
  const before = await amount()
  await corrected('777.07')
  check('a correction that the ERP tells of comes by itself', await until(async () => (await amount()) !== before), before)
  check('by the stored operation, once, and from what was just read', asked.length === 1 && asked[0] !== 'no-cache', asked.join())
  check('it says so in a small way', await says('Updated just now'), await state.innerText())
  const said = await page.locator('#said').innerText()
  check('and aloud, naming what changed', /^Updated\. /.test(said) && (await page.locator('#said').getAttribute('aria-live')) === 'polite', said)
  const calm = await page.evaluate(() => ({
    focus: document.activeElement === window.kept[0] && document.activeElement !== document.body,
    stays: window.kept[1] === document.querySelector('tbody') && window.kept[2] === document.querySelector('.figures'),
    scroll: scrollY === window.y && scrollY > 0,
    busy: window.busy === 0,
  }))
  check('focus, scroll and what stays the same stay', Object.values(calm).every(Boolean), JSON.stringify(calm))
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    const pale = await page.evaluate(paleTexts)
    check(`updated, ${colorScheme}: every text stands out`, !pale.length, pale.slice(0, 4).join(' | '))
    if (options.shots) await page.screenshot({ path: join(options.shots, `updated-${colorScheme}.png`), fullPage: true })
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null })

  const left = page.waitForEvent('requestfailed', (request) => request.url() === `${origin}/graphql`)
  await look(true)
  check('who does not look follows nothing', Boolean(await left), 'still open')
  const unseen = await amount()
  await corrected('888.08')
  check('and so sees no change', (await amount()) === unseen, await amount())
  await look(false)
  check('who looks again sees it', await until(async () => (await amount()) !== unseen), unseen)

  expected = /status of (401|503)/
  await look(true)
  await page.route('**/graphql', (route) => route.fulfill({ status: 503, body: '{}' }))
  await look(false)
  check('a gateway that has no place for it is tried again, and the card says so', await says('Not live: trying again'), await state.innerText())
  if (options.shots) await page.screenshot({ path: join(options.shots, 'not-live.png'), fullPage: true })
  await page.unroute('**/graphql')
  check('until it has one', await until(async () => /Follows changes|Updated just now/.test(await state.innerText()), 20_000), await state.innerText())
  await look(true)
  await page.route('**/graphql', (route) => route.fulfill({ status: 401, body: '{}' }))
  await look(false)
  check('who is no longer signed in is told that it is not live', await says('Not live'), await state.innerText())
  check('is not asked for a key, and keeps what was shown', (await page.getByRole('dialog').count()) === 0 && (await row.isVisible()), 'it is gone')
  await page.unroute('**/graphql')
  await page.locator('#refresh').click()
  check('and follows again after a click', await until(async () => /Follows changes|Updated just now/.test(await state.innerText())), await state.innerText())
  expected = /^$/
  await page.setViewportSize({ width: 400, height: 800 })
}

/** Without one system the rest stands; with it back a click brings the figures. */
async function silent(page, id, system, name, missing, present) {
  await page.goto(`${origin}/card/${id}`)
  await ready(page)
  await fault(system, 'down')
  await page.locator('#refresh').click()
  const notice = page.getByRole('alert')
  await notice.waitFor({ timeout: 60_000 })
  await ready(page)
  check(`without ${name} it is named`, (await notice.innerText()).includes(`${name} is not answering`), await notice.innerText())
  for (const label of missing) check(`${label} is a dash then, with the reason`, /^–\s+\S/.test(await valueOf(page, label, true)), await valueOf(page, label, true))
  check(`${present} stands`, (await valueOf(page, present)) !== '–', await valueOf(page, present))
  if (options.shots) await page.screenshot({ path: join(options.shots, `without-${name.split(' ')[0].toLowerCase()}.png`), fullPage: true })
  await fault(system, 'off')
  const back = await until(async () => {
    if (!(await notice.count())) return true
    await notice.getByRole('button', { name: 'Try again' }).click({ timeout: 1000 }).catch(() => {})
    await new Promise((resolve) => setTimeout(resolve, 300))
    return false
  }, 60_000)
  check(`with ${name} back a click brings its part`, back && (await valueOf(page, missing[0])) !== '–', await page.locator('main').innerText())
}

/** A CRM's page shows the card if the configuration names it, and not otherwise. */
async function frames(context, id) {
  const parent = createServer((request, response) => response.end(`<!doctype html><iframe src="${new URL(request.url, 'http://x').searchParams.get('card')}" width="400" height="600"></iframe>`))
  await new Promise((resolve) => parent.listen(0, '127.0.0.1', resolve))
  const home = `http://127.0.0.1:${parent.address().port}`
  const framed = await watchedPage(context, (text) => expected.test(text))
  expected = /frame-ancestors|Refused to frame|Framing/
  await framed.goto(`${home}/?card=${origin}/card/${id}`)
  await new Promise((resolve) => setTimeout(resolve, 500))
  const refused = framed.frames().slice(1).every((frame) => frame.url().startsWith('chrome-error:'))
  check('a page that the configuration does not name may not frame it', refused, framed.frames().map((frame) => frame.url()).join())
  expected = /^$/

  const folder = mkdtempSync(join(tmpdir(), 'spine-card-'))
  const port = await freePort()
  writeFileSync(join(folder, 'token'), 'demo-hubspot-token')
  writeFileSync(join(folder, 'spine.toml'), `[server]
listen = "127.0.0.1:${port}"
card_frame_ancestors = ["${home}"]
[shared_id]
pattern = '^PRJ-\\d{4}-\\d{3,6}$'
[owners]
commercial = "hubspot"
[connections.hubspot]
kind = "hubspot"
url = "${crm}"
token = { file = "${join(folder, 'token')}" }
map = { shared_id = "project_code" }
`)
  const server = spawn(spine, ['serve', '-c', join(folder, 'spine.toml')], { stdio: ['ignore', 'ignore', 'pipe'] })
  let words = ''
  server.stderr.on('data', (text) => (words += text))
  try {
    const up = await until(() => fetch(`http://127.0.0.1:${port}/health/live`).then(({ ok }) => ok, () => false), 20_000)
    check('a gateway whose configuration names the page starts', up, words.slice(-500))
    await framed.goto(`${home}/?card=http://127.0.0.1:${port}/card/${id}`)
    const inner = framed.frameLocator('iframe')
    await inner.locator('main:not([aria-busy])').waitFor({ timeout: 20_000 })
    const said = await inner.locator('main').innerText()
    check('in its frame the card is shown', /PRJ-\d{4}-\d+/.test(said) && said.includes('Contract value'), said)
    check('what no system owns is a dash with the reason', said.includes('no system keeps it'), said)
  } finally {
    server.kill()
    parent.close()
    rmSync(folder, { recursive: true })
    await framed.close()
  }
}

/** Texts whose contrast is below 4.5 to 1, as WCAG counts it. In the page. */
function paleTexts() {
  const light = ([r, g, b]) => [r, g, b].map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0)
  const parts = (colour) => colour.match(/[\d.]+/g).map(Number)
  const ground = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = parts(getComputedStyle(each).backgroundColor)
      if (colour.length < 4 || colour[3] > 0) return colour
    }
    return [255, 255, 255]
  }
  const pale = []
  for (const element of document.querySelectorAll('main *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim())
    if (!own || !element.checkVisibility()) continue
    const [one, other] = [light(parts(getComputedStyle(element).color)), light(ground(element))].sort((a, b) => b - a)
    const contrast = (one + 0.05) / (other + 0.05)
    if (contrast < 4.5) pale.push(`${element.innerText} ${contrast.toFixed(2)}`)
  }
  return pale
}

/** The value below or beside a label; with the note on it, if wanted. */
async function valueOf(page, label, noted = false) {
  const entry = page.locator('dl > div', { has: page.locator('dt', { hasText: new RegExp(`^${label}$`) }) }).first()
  return (await entry.locator(noted ? 'dd' : 'dd .value').first().innerText()).trim()
}

/** Digits, point and sign alone, without the zeros that only fill up places. */
function bare(text) {
  const digits = String(text).replace(/[^\d.-]/g, '')
  return digits.includes('.') ? digits.replace(/\.?0+$/, '') : digits
}

async function ready(page) {
  await page.locator('main:not([aria-busy]) > *').first().waitFor({ timeout: 30_000 })
}

async function ask(path, body) {
  const response = await fetch(new URL(path, origin), { method: 'POST', headers: { 'content-type': 'application/json', accept: 'application/json' }, body: JSON.stringify(body) })
  return response.json()
}

function fault(system, mode) {
  return control(system, 'fault', { mode })
}

async function control(system, what, body) {
  await fetch(new URL(`/_demo/${what}`, system), { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

async function until(holds, timeout = 10_000) {
  for (const deadline = Date.now() + timeout; ;) {
    if (await holds()) return true
    if (Date.now() > deadline) return false
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
