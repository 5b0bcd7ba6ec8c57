// Do all servers state the same facts? parity.mjs NAME URL [NAME URL ...]: each is asked Q1 to Q3 about some deals, the
// answers are brought into one shape, and each must be that of the first. Ends with 1 if one is not.
//
// Spine answers in its own words. What is only said in another way is translated back: global IDs to the owner's record,
// decimals in texts to numbers, enums to the owner's words. Of an invoice's status only its class is compared, since
// Spine takes "sent" or "overdue" from the due date and the day, and not from what the system says. Spine's order of
// invoices and costs is its own (by date), so lists are compared as sets.
import { readFile } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'

const load = async (name) => JSON.parse(await readFile(new URL(name, import.meta.url)))
const queries = await load('queries.json')
const servers = await load('servers.json')
const asked = { Q1: ['d7', 'd4242', 'd9998'], Q2: ['d99', 'd5000'], Q3: ['d399'] }

const words = {
  PLANNED: 'planned', ACTIVE: 'active', ON_HOLD: 'paused', COMPLETED: 'done',
  NEW: 'open', IN_PROGRESS: 'doing', WAITING: 'review', CLOSED: 'closed',
  LOW: 'low', NORMAL: 'normal', HIGH: 'high',
  DRAFT: 'draft', PAID: 'paid', OPEN: 'to be paid', OVERDUE: 'to be paid', sent: 'to be paid', overdue: 'to be paid',
}
const word = (text) => words[text] ?? text
const record = (id) => id?.split(':').pop()
const sum = (money) => money && Number(money.amount)
const pick = (from, ...keys) => Object.fromEntries(keys.map((key) => [key, from[key]]))
/** Rows in an order that depends on nothing but what they state. */
function sorted(rows) {
  const text = (row) => JSON.stringify(Object.entries(row).filter(([, value]) => value !== undefined).sort())
  return rows?.sort((a, b) => (text(a) < text(b) ? -1 : 1))
}

const spine = {
  deal: ({ id, name, stage, amount, vertical, project }) => ({
    id: record(id), name, stage, amount: sum(amount), currency: amount.currency, company: vertical,
    project: project.id && { ...pick(project, 'id', 'name', 'status'), manager: project.manager?.name },
    invoices: project.invoices?.map((invoice) => ({
      ...pick(invoice, 'number', 'status'), id: record(invoice.id), amount: sum(invoice.net), dueOn: invoice.dueDate,
    })),
    tickets: project.tickets?.map((ticket) => ({
      ...pick(ticket, 'status', 'priority'), id: record(ticket.id), title: ticket.subject, assignee: ticket.owner?.name,
    })),
    costs: project.costs?.map((cost) => ({ amount: sum(cost.amount) })),
  }),
  rows: (data) => data.deals.nodes,
}
const others = { deal: (deal) => deal, rows: (data) => data.deals.results }

/** The facts of an answer in the one shape that all are compared in; what is not there is left out. */
function facts(data, dialect) {
  const deals = data.deals ? dialect.rows(data) : [data.deal]
  const plain = deals.map(dialect.deal).map((deal) => ({
    ...deal,
    project: deal.project && { ...deal.project, status: word(deal.project.status) },
    invoices: sorted(deal.invoices?.map((invoice) => ({ ...invoice, status: word(invoice.status) }))),
    tickets: sorted(deal.tickets?.map((t) => ({ ...t, status: word(t.status), priority: word(t.priority) }))),
    costs: sorted(deal.costs),
  }))
  return JSON.parse(JSON.stringify(plain))
}

/** How many single facts there are in an answer. */
const count = (value) =>
  value && typeof value === 'object' ? Object.values(value).reduce((n, part) => n + count(part), 0) : 1
const cursor = (deal) => Buffer.from(JSON.stringify({ p: '0:' + deal, s: 0 })).toString('base64url')

async function ask(name, url, query, deal) {
  const isSpine = servers[name].dialect === 'spine'
  const fill = (key, value) => (value !== 'dN' ? value : isSpine && key === 'after' ? cursor(deal) : deal)
  const variables = Object.fromEntries(Object.entries(queries[query].variables).map(([k, v]) => [k, fill(k, v)]))
  const text = queries[query][isSpine ? 'spine' : 'others'].replace('ID!', servers[name].id_type ?? 'ID!')
  const headers = { 'content-type': 'application/json', accept: 'application/json' }
  const body = JSON.stringify({ operationName: query, query: text, variables })
  const { data, errors } = await (await fetch(url, { method: 'POST', headers, body })).json()
  if (errors || !data) throw new Error(JSON.stringify(errors).slice(0, 300))
  return facts(data, isSpine ? spine : others)
}

/** The first place at which two answers differ. */
function difference(a, b, path = '') {
  if (isDeepStrictEqual(a, b)) return null
  if ([a, b].some((value) => !value || typeof value !== 'object')) {
    return `${path}: ${JSON.stringify(a)}, not ${JSON.stringify(b)}`
  }
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const found = difference(a[key], b[key], `${path}.${key}`)
    if (found) return found
  }
}

const first = {}
let wrong = 0
for (let at = 2; at < process.argv.length; at += 2) {
  const [name, url] = process.argv.slice(at, at + 2)
  for (const [query, deals] of Object.entries(asked)) {
    let said = 'the same facts'
    let compared = 0
    for (const deal of deals) {
      try {
        const got = await ask(name, url, query, deal)
        compared += count(got)
        const found = difference(got, (first[query + deal] ??= got))
        if (found) said = `DIFFERENT from ${process.argv[2]}: ${deal}${found}`
      } catch (error) {
        said = `NO ANSWER about ${deal}: ${error.message}`
      }
    }
    if (said !== 'the same facts') wrong++
    console.log(`${name} ${query}: ${said} (${compared})`)
  }
}
process.exit(wrong ? 1 : 0)
