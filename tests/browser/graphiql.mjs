#!/usr/bin/env node
// graphiql.mjs URL [--shot page.png] [--dark]
// Opens Spine's GraphiQL in Chromium as a person would, against a running gateway (`spine demo`): runs each ready-made tab, opens
// the panels, completes and runs a query of its own. No request may leave for another host; every such request is refused and
// counted. CHROMIUM names the browser (default /usr/bin/chromium).
import { parseArgs } from 'node:util'
import { check, checkNothingWentWrong, finish, launch, watchedPage } from './session.mjs'

const TABS = ['DealCard', 'Project', 'OverdueInvoices', 'Margins', 'WhoIsRight']

const { values: options, positionals: [url] } = parseArgs({
  allowPositionals: true,
  options: { shot: { type: 'string' }, dark: { type: 'boolean', default: false } },
})
if (!url) {
  console.error('usage: graphiql.mjs URL [--shot page.png] [--dark]')
  process.exit(2)
}

const answers = []

const browser = await launch()
try {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    colorScheme: options.dark ? 'dark' : 'light',
  })
  const page = await watch(context)
  await opens(page)
  await comesBack(page, TABS[0])
  await readyMadeTabs(page)
  await panels(page)
  await ownQuery(page)
  await headers(page)
  await comesBack(page, 'Mine')
  checkNothingWentWrong()
} catch (error) {
  check('the page behaves', false, error.message)
} finally {
  await browser.close()
}
finish()

/** A page whose foreign requests, errors and GraphQL answers are recorded. */
async function watch(context) {
  const page = await watchedPage(context)
  page.on('response', async (response) => {
    const request = response.request()
    if (request.method() !== 'POST') return
    const sent = request.postDataJSON()
    const answer = await response.json().catch(() => null)
    answers.push({ operation: sent?.operationName, query: sent?.query, headers: request.headers(), answer })
  })
  return page
}

async function opens(page) {
  const response = await page.goto(url, { waitUntil: 'load', timeout: 30_000 })
  const { 'content-type': type = '', 'content-security-policy': policy = '' } = response.headers()
  check('the page is HTML', response.status() === 200 && type.startsWith('text/html'), `${response.status()} ${type}`)
  check('its content security policy lets in nothing from elsewhere',
    policy.includes("default-src 'none'") && policy.includes("script-src 'self'") && !/https?:|unsafe-eval|script-src [^;]*unsafe-inline/.test(policy), policy)
  await page.locator('.graphiql-query-editor .monaco-editor').waitFor({ timeout: 30_000 })
  check('the title is Spine', (await page.title()) === 'Spine', await page.title())
  const titles = await page.locator('.graphiql-tab-button').allInnerTexts()
  check('five ready-made tabs are open', titles.join() === TABS.join(), titles.join())
  check('the schema was read by introspection', await until(() => answers.some(({ answer }) => answer?.data?.__schema)), 'no introspection')
}

async function readyMadeTabs(page) {
  for (const tab of TABS) {
    await page.locator('.graphiql-tab-button', { hasText: new RegExp(`^${tab}$`) }).click()
    const { answer } = await run(page, tab)
    // The company has flaws on purpose, e.g. two projects with one ID: an answer that shows one says so.
    const errors = (answer?.errors ?? []).filter(({ extensions }) => !['DATA_CONFLICT', 'DATA_INVALID'].includes(extensions?.code))
    const problem = JSON.stringify(errors.length ? errors : answer)?.slice(0, 300)
    check(`${tab}: answers with data, without errors but of the records themselves`, !errors.length && hasData(answer?.data), problem)
    check(`${tab}: the answer is on the page`, await until(async () => (await text(page, '.graphiql-response')).includes('"data"')),
      (await text(page, '.graphiql-response')).slice(0, 200))
    if (tab === TABS[0] && options.shot) await page.screenshot({ path: options.shot })
  }
}

async function panels(page) {
  const open = (label) => page.locator(`.graphiql-sidebar button[aria-label="${label}"]`).click()
  const plugin = page.locator('.graphiql-plugin')
  const shows = async (what) => {
    const shown = await until(async () => what.test(await plugin.innerText()))
    return [shown, shown ? '' : (await plugin.innerText()).slice(0, 200)]
  }
  await open('Show Documentation Explorer')
  check('the docs panel shows the root type', ...(await shows(/Query/)))
  await plugin.getByText('Query', { exact: true }).first().click()
  check('the docs panel opens a type', ...(await shows(/deals/)))
  await open('Show GraphiQL Explorer')
  check('the explorer panel shows the fields', ...(await shows(/invoices/)))
  await page.locator('.graphiql-tab-button', { hasText: /^DealCard$/ }).click()
  await plugin.getByText('closeDate', { exact: true }).first().click()
  check('the explorer panel adds a field to the query', await until(() => page.evaluate(() =>
    /query DealCard.*\bcloseDate\b/s.test(localStorage.getItem('spine:graphiql:query')))), 'no closeDate in the query')
  await open('Show History')
  check('the history panel shows what was run', ...(await shows(/DealCard/)))
  await open('Hide History')
}

async function ownQuery(page) {
  await page.locator('.graphiql-tab-add').click()
  const editor = page.locator('.graphiql-query-editor .monaco-editor')
  await editor.click()
  await page.keyboard.press('Control+A')
  await page.keyboard.type('query Mine { sys')
  // Enter takes the one that is chosen; while the list is being narrowed down, that is another.
  const suggestion = page.locator('.suggest-widget .monaco-list-row.focused', { hasText: 'systems' })
  if (!(await until(() => suggestion.isVisible(), 3000))) await page.keyboard.press('Control+Space')
  check('the editor completes a field of the schema', await until(() => suggestion.isVisible()), 'no suggestion "systems"')
  await page.keyboard.press('Enter')
  await page.keyboard.type(' { name')
  await page.keyboard.press('Escape')
  const { query, answer } = await run(page, 'Mine')
  await page.locator('.graphiql-toolbar button[aria-label^="Prettify"]').click()
  check('the prettify button works', await until(async () => (await text(page, '.graphiql-query-editor .view-lines')).includes('  systems {')),
    await text(page, '.graphiql-query-editor .view-lines'))
  check('a typed query runs', Array.isArray(answer?.data?.systems) && !answer.errors, `${query} -> ${JSON.stringify(answer)?.slice(0, 200)}`)
}

/** A token goes to the gateway and is not kept. */
async function headers(page) {
  await page.locator('.graphiql-editor-tools button', { hasText: 'Headers' }).click()
  await page.locator('.graphiql-editor-tool .monaco-editor:visible').click()
  await page.keyboard.insertText('{ "X-Spine-Test": "not-to-be-kept" }')
  const { headers: sent } = await run(page, 'Mine')
  check('a header of the Headers pane is sent', sent['x-spine-test'] === 'not-to-be-kept', JSON.stringify(sent))
  // What the page keeps it writes within half a second; the history learns of the header only then.
  await page.waitForTimeout(1000)
  await run(page, 'Mine')
  await page.waitForTimeout(1000)
  const kept = await page.evaluate(() => JSON.stringify(localStorage))
  check('headers are not kept in the browser', kept.includes('query Mine') && !kept.includes('not-to-be-kept'), kept.slice(-500))
}

async function comesBack(page, operation) {
  const before = await page.locator('.graphiql-tab-button').allInnerTexts()
  const kept = (name) => localStorage.getItem('spine:graphiql:tabState')?.includes(`query ${name}`)
  await page.waitForFunction(kept, operation, { timeout: 10_000 })
  await page.reload({ waitUntil: 'load' })
  await page.locator('.graphiql-query-editor .monaco-editor').waitFor({ timeout: 30_000 })
  const after = await page.locator('.graphiql-tab-button').allInnerTexts()
  check(`${operation}: the tabs are the same after a reload`, before.join() === after.join(), `${before.join()} -> ${after.join()}`)
}

/** Runs what is in the editor and waits for the answer to it. */
async function run(page, operation) {
  // GraphiQL learns of a new text 100 ms late; what it keeps says that it has.
  const learned = (name) => localStorage.getItem('spine:graphiql:query')?.includes(`query ${name}`)
  await page.waitForFunction(learned, operation, { timeout: 10_000 })
  const before = answers.length
  await page.locator('.graphiql-execute-button').click()
  const mine = () => answers.slice(before).find((each) => each.operation === operation)
  if (!(await until(mine, 20_000))) throw new Error(`${operation}: no answer`)
  return mine()
}

/** Whether there is at least one value in it that is not null. An empty list is none. */
function hasData(value) {
  if (value === null || value === undefined) return false
  return typeof value !== 'object' || Object.values(value).some(hasData)
}

/** What a person reads there. The editor writes spaces as non-breaking ones. */
async function text(page, selector) {
  return (await page.locator(selector).innerText()).replaceAll('\u00a0', ' ')
}

async function until(holds, timeout = 10_000) {
  for (const deadline = Date.now() + timeout; ;) {
    if (await holds()) return true
    if (Date.now() > deadline) return false
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
