#!/usr/bin/env node
// sign-in.mjs SPINE HUBSPOT SAP REDMINE [--shot page.png]
// Signs in at Spine's pages in Chromium as a person would, with a key that `spine keys create` made. The systems are the
// embedded ones of a running `spine demo`. No request may leave for another host. CHROMIUM names the browser.
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { check, checkNothingWentWrong, finish, launch, watchedPage } from './session.mjs'

const { values: options, positionals: [spine, hubspot, sap, redmine] } = parseArgs({
  allowPositionals: true,
  options: { shot: { type: 'string' } },
})
if (!redmine) {
  console.error('usage: sign-in.mjs SPINE HUBSPOT SAP REDMINE [--shot page.png]')
  process.exit(2)
}

const work = mkdtempSync(join(tmpdir(), 'spine-pages-'))
const made = (...more) => JSON.parse(execFileSync(spine, ['keys', 'create', '--json', ...more], { encoding: 'utf8' }))
const ann = made('ann', '--role', 'finance', '--role', 'sales')
const port = await freePort()
const url = `http://127.0.0.1:${port}`
const config = join(work, 'spine.toml')
// As the demo configures its own gateway, and who may ask.
const demo = (name) => readFileSync(new URL(`../../src/demo/${name}`, import.meta.url), 'utf8')
const systems = `${demo('spine.toml')}\n${demo('sap/connection.toml')}`
  .replaceAll('{hubspot}', hubspot).replaceAll('{redmine}', redmine).replaceAll('{erp}', sap).replaceAll('{erp_name}', 'sap')
  .replace('[server]', `[server]\nlisten = "127.0.0.1:${port}"`)
writeFileSync(config, `${systems}
[access.roles.finance]
reads = ["commercial", "delivery", "tickets", "receivables", "costs", "margins"]
[access.roles.sales]
${ann.config}`)

const server = spawn(spine, ['serve', '-c', config, '--log', 'warn'], { stdio: ['ignore', 'ignore', 'inherit'] })
const expected = /status of 401/
const browser = await launch()
try {
  for (let tries = 0; !(await fetch(`${url}/health/ready`).then((answer) => answer.ok, () => false)); tries++) {
    if (tries > 100 || server.exitCode !== null) throw new Error('Spine did not start')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-US' })
  const page = await watchedPage(context, (text) => expected.test(text))
  await page.goto(`${url}/reports`, { waitUntil: 'load' })
  const dialog = page.getByRole('dialog', { name: 'Sign in' })
  await dialog.waitFor()
  check('the page of the reports asks who one is', await dialog.isVisible())
  if (options.shot) await page.screenshot({ path: options.shot })
  await page.getByLabel('API key or token').fill('ann.wrong')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByText('The key or token is not good.').waitFor()
  check('a wrong key is told, and asked for again', await dialog.isVisible())
  await page.getByLabel('API key or token').fill(ann.key)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.locator('table tbody tr').first().waitFor({ timeout: 30_000 })
  check('a good key brings the figures', !(await dialog.isVisible()))
  const account = page.locator('.sign-in-account')
  check('the page says who one is and in which role', (await account.innerText()).includes('ann')
    && (await page.getByLabel('Role').inputValue()) === 'finance', await account.innerText())
  const kept = await page.evaluate(() => [JSON.stringify(localStorage), document.cookie, JSON.stringify(sessionStorage)])
  check('the key is in the session storage and nowhere else',
    !kept[0].includes(ann.key) && kept[1] === '' && kept[2].includes(ann.key) && !page.url().includes(ann.key))

  const [download] = await Promise.all([page.waitForEvent('download'), page.getByText('Download CSV').click()])
  check('a file is loaded as whoever signed in', download.suggestedFilename().endsWith('.csv') && (await download.failure()) === null)

  await page.reload({ waitUntil: 'load' })
  await page.locator('table tbody tr').first().waitFor({ timeout: 30_000 })
  check('a reload asks nothing again', !(await dialog.isVisible()))

  const card = page.locator('main:not([aria-busy])')
  await page.goto(`${url}/card/${await aDeal()}`)
  await card.locator('.figures').waitFor({ timeout: 30_000 })
  check('the deal card knows who one is, and shows finance the margin', (await card.innerText()).includes('Forecast margin')
    && (await account.innerText()).includes('ann'), await card.innerText())
  await page.getByLabel('Role').selectOption('sales')
  await card.getByText('Left to invoice').waitFor({ timeout: 30_000 })
  check('in the role of sales it says what it does not show', /Budget burned\s+–\s+not shown for your role/.test(await card.innerText())
    && !(await card.innerText()).includes('Forecast margin'), await card.innerText())
  if (options.shot) await page.screenshot({ path: `${options.shot}.card.png`, fullPage: true })
  await page.getByLabel('Role').selectOption('finance')
  await card.getByText('Forecast margin').waitFor({ timeout: 30_000 })

  await page.goto(`${url}/graphiql`, { waitUntil: 'load' })
  await page.locator('.sign-in-account').getByText('ann').waitFor({ timeout: 30_000 })
  check('GraphiQL knows who one is', !(await dialog.isVisible()))
  await page.getByRole('button', { name: 'Sign out' }).click()
  await dialog.waitFor({ timeout: 30_000 })
  check('after signing out it asks again', await page.evaluate(() => sessionStorage.getItem('spine:sign-in') === null))

  const framed = await watchedPage(await browser.newContext(), (text) => expected.test(text))
  await framed.goto(`${url}/card/${await aDeal()}`, { waitUntil: 'load' })
  await framed.getByLabel('API key or token').fill(ann.key)
  await framed.getByRole('button', { name: 'Sign in' }).click()
  await framed.locator('#card:not([aria-busy]) .figures').waitFor({ timeout: 30_000 })
  check('the card of a deal asks who one is, and then shows the deal', !(await framed.getByRole('dialog').isVisible()))

  const other = await watchedPage(await browser.newContext(), (text) => expected.test(text))
  await other.goto(`${url}/reports`, { waitUntil: 'load' })
  await other.getByRole('dialog').waitFor()
  await other.getByRole('button', { name: 'Cancel' }).click()
  await other.locator('#problem').waitFor()
  check('who does not sign in is told why there is nothing', (await other.locator('#problem').innerText()).includes('UNAUTHENTICATED'))
  checkNothingWentWrong()
} catch (error) {
  check('the pages behave', false, error.stack)
} finally {
  await browser.close()
  server.kill()
  rmSync(work, { recursive: true })
}
finish()

/** A deal that leads to a project whose budget is known. */
async function aDeal() {
  const query = '{ deals(first: 100) { nodes { source { recordId } financials { budgetBurnedPct forecastMarginPct } } } }'
  const headers = { authorization: `Bearer ${ann.key}`, 'content-type': 'application/json' }
  const { data } = await (await fetch(`${url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query }) })).json()
  return data.deals.nodes.find(({ financials }) => financials.budgetBurnedPct && financials.forecastMarginPct).source.recordId
}

function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address()
      probe.close(() => resolve(port))
    })
  })
}
