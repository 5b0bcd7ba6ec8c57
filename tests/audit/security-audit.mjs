#!/usr/bin/env node
// security-audit.mjs URL: attacks on a running Spine, from outside. After each of them it must still answer.
//
// What is tried: work that multiplies (aliases, fragments, introspection), recursion that ends a process, bodies that are
// too large or not what they should be, requests that a stranger's web page can make, and IDs that would change the
// question to a system behind. Ends with 1 if one of them succeeds.

const [url] = process.argv.slice(2)
if (!url) {
  console.error('usage: security-audit.mjs URL')
  process.exit(2)
}

/** The most expensive list. */
const LIST = 'deals(first: 200) { edges { node { id project { invoices { number } } } } }'
/** The ways to ask for one thing by its ID. */
const LOOKUPS = {
  deal: 'query($id: ID!) { deal(by: { id: $id }) { id name } }',
  project: 'query($id: ProjectId!) { project(id: $id) { id name } }',
  invoice: 'query($id: ID!) { invoice(id: $id) { id number } }',
  ticket: 'query($id: ID!) { ticket(id: $id) { id subject } }',
  client: 'query($id: ID!) { client(id: $id) { id name } }',
  node: 'query($id: ID!) { node(id: $id) { id } }',
}
/** A refusal takes less than this, in milliseconds, on a busy machine. */
const SLOW = 2000

async function send(body, headers = {}, method = 'POST') {
  const start = performance.now()
  const type = body === undefined ? {} : { 'content-type': 'application/json' }
  try {
    const signal = AbortSignal.timeout(30_000)
    const response = await fetch(url, { method, body, redirect: 'manual', signal, headers: { ...type, ...headers } })
    const text = await response.text()
    let json
    try {
      json = JSON.parse(text)
    } catch {}
    return { status: response.status, headers: response.headers, text, json, ms: performance.now() - start }
  } catch (error) {
    return { status: 0, headers: new Headers(), text: String(error.cause ?? error), ms: performance.now() - start }
  }
}
const gql = (query, variables) => send(JSON.stringify({ query, variables }))
const alive = async () => (await gql('{ __typename }')).json?.data?.__typename === 'Query'

// Judges: what is wrong with an answer, or nothing.
const quick = (r) => r.ms > SLOW && `took ${Math.round(r.ms)} ms`
const small = (r, limit = 20_000) => r.text.length > limit && `answered with ${r.text.length} bytes`
const quiet = (r) => /panicked|stack|\.rs:\d|called `/.test(r.text) && `said ${r.text.slice(0, 120)}`
const data = (r) => r.json?.data && `was executed: ${r.text.slice(0, 120)}`
const failed = (r) => (r.status === 0 || r.status >= 500) && `${r.status} ${r.text.slice(0, 120)}`
const refused = (r) => data(r) || failed(r) || quick(r) || small(r) || quiet(r)
const refusedWith = (status) => (r) => refused(r) || (r.status !== status && `answered with ${r.status}, not ${status}`)
const bounded = (r) => failed(r) || quick(r) || small(r, 2_000_000) || quiet(r)

const attacks = []
const attack = (name, run, judge) => attacks.push({ name, run, judge })

const times = (count, make) => Array.from({ length: count }, (_, n) => make(n)).join(' ')
const nested = (open, core, close, levels) => open.repeat(levels) + core + close.repeat(levels)
const bomb = (spreads, levels, field) => `{ ...f0 } ${times(levels, (n) =>
  `fragment f${n} on Query { ${n < levels - 1 ? `${field} ${`...f${n + 1} `.repeat(spreads)}` : '__typename'} }`)}`

// Work that multiplies.
attack('50 aliases of the most expensive list', () => gql(`{ ${times(50, (n) => `a${n}: ${LIST}`)} }`), refusedWith(400))
attack('1000 aliases', () => gql(`{ ${times(1000, (n) => `a${n}: __typename`)} }`), refusedWith(400))
attack('20000 repeats of a field', () => gql(`{ ${'__typename '.repeat(20_000)} }`), refusedWith(400))
attack('2000 repeats of a directive', () => gql(`{ __typename ${'@skip(if: false) '.repeat(2000)} }`), refusedWith(400))
attack('300 unknown directives', () => gql(`{ __typename ${times(300, (n) => `@x${n}`)} }`), refusedWith(400))
attack('900 unknown fields', () => gql(`{ systems { ${times(900, (n) => `x${n}`)} } }`), refused)
attack('20 operations', () => gql(times(20, (n) => `query Q${n} { __typename }`)), refusedWith(400))
attack('a batch of 100', () => send(JSON.stringify(Array(100).fill({ query: '{ __typename }' }))), refusedWith(400))
attack('introspection in a circle', () => gql(`{ __schema { types { ${nested('fields { type { ', 'name', ' } }', 6)} } } }`), refusedWith(400))
attack('introspection ten times over', () => gql(`{ ${times(10, (n) => `a${n}: __schema { types { fields { type { fields { name } } } } }`)} }`), refusedWith(400))
attack('introspection as wide as it is admitted', () => gql('{ __schema { types { fields { type { fields { name description } } } } } }'), bounded)
attack('fragments that double, 16 levels', () => gql(bomb(2, 16, '')), refusedWith(400))
attack('fragments that double, 40 levels', () => gql(bomb(2, 40, '')), refusedWith(400))
attack('fragments that multiply by 10, 14 levels', () => gql(bomb(10, 14, '')), refusedWith(400))
attack('fragments that double, through fields', () => gql(`{ __schema { queryType { ...f0 } } } ${times(15, (n) =>
  `fragment f${n} on __Type { ${n < 14 ? `x${n}: ofType { ...f${n + 1} } y${n}: ofType { ...f${n + 1} }` : 'name'} }`)}`), refused)

// Recursion that ends a process.
attack('5000 selection sets in one another', () => gql(nested('{ a ', '', '}', 5000)), refusedWith(400))
attack('30000 selection sets in one another', () => gql(nested('{ a ', '', '}', 30_000)), refusedWith(400))
attack('2000 lists in one another', () => gql(`{ node(id: ${nested('[', '1', ']', 2000)}) { id } }`), refusedWith(400))
attack('100000 lists in one another', () => gql(`{ node(id: ${nested('[', '1', ']', 100_000)}) { id } }`), refusedWith(400))
attack('4000 objects in one another', () => gql(`{ node(id: ${nested('{a:', '1', '}', 4000)}) { id } }`), refusedWith(400))
attack('4000 lists in a default value', () => gql(`query($v: Int = ${nested('[', '1', ']', 4000)}) { __typename }`), refusedWith(400))
attack('4000 list types in one another', () => gql(`query($v: ${nested('[', 'Int', ']', 4000)}) { __typename }`), refusedWith(400))
attack('100000 lists in a variable', () => send(`{"query":"query($v:ID!){node(id:$v){id}}","variables":{"v":${nested('[', '1', ']', 100_000)}}}`), refusedWith(400))
attack('100000 lists in the extensions', () => send(`{"query":"{__typename}","extensions":{"v":${nested('[', '1', ']', 100_000)}}}`), bounded)
attack('100000 lists as the body', () => send(nested('[', '1', ']', 100_000)), refusedWith(400))
attack('1000 inline fragments in one another', () => gql(nested('{ ... on Query ', '{ __typename }', '}', 1000)), refusedWith(400))
attack('fragments in a circle', () => gql('{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }'), refused)
attack('a chain of 500 fragments', () => gql(`{ ...f0 } ${times(500, (n) => `fragment f${n} on Query { ...f${n + 1} }`)}`), refusedWith(400))

// Bodies.
attack('a body of 20 MB', () => send(JSON.stringify({ query: '{ __typename }', variables: { x: 'y'.repeat(20_000_000) } })), refusedWith(413))
attack('200 KB of comments', () => gql(`{ __typename ${'# comment\n'.repeat(20_000)} }`), refusedWith(400))
attack('100 KB of variables', () => gql('{ __typename }', { x: 'y'.repeat(100_000) }), refusedWith(400))
attack('a compressed body', () => send('\x1f\x8b', { 'content-encoding': 'gzip' }), refusedWith(415))
for (const [name, body] of [
  ['is empty', ''], ['is not JSON', '{'], ['is a number', '42'], ['is not UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
  ['has a query that is an object', '{"query":{}}'], ['has variables that are a string', '{"query":"{__typename}","variables":"x"}'],
  ['has an unknown member', '{"query":"{__typename}","x":1}'], ['has two queries', '{"query":"{__typename}","query":"{__typename}"}'],
  ['has half a character', '{"query":"{ a(x: \\"\\ud800\\") }"}'],
]) attack(`a body that ${name}`, () => send(body), refusedWith(400))

// What a stranger's page can make a browser send.
const question = '{"query":"{ __typename }"}'
attack('a form', () => send('query=%7B%20__typename%20%7D', { 'content-type': 'application/x-www-form-urlencoded' }), refusedWith(415))
attack('plain text', () => send(question, { 'content-type': 'text/plain' }), refusedWith(415))
attack('an upload', () => send(`--x\r\ncontent-disposition: form-data; name="operations"\r\n\r\n${question}\r\n--x--\r\n`,
  { 'content-type': 'multipart/form-data; boundary=x' }), refusedWith(415))
attack('a page of another site', () => send(question, { origin: 'https://evil.example' }), refusedWith(403))
attack('a page without an origin', () => send(question, { origin: 'null' }), refusedWith(403))
attack('a question before a question', () => send(undefined, { origin: 'https://evil.example', 'access-control-request-method': 'POST' }, 'OPTIONS'),
  (r) => refused(r) || (r.headers.get('access-control-allow-origin') && 'was allowed'))
attack('GET', () => send(undefined, {}, 'GET'), refusedWith(405))
attack('an answer in a frame, or as something else', () => gql('{ __typename }'), (r) =>
  failed(r) || Object.entries({ 'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY', 'referrer-policy': 'no-referrer' })
    .filter(([name, value]) => r.headers.get(name) !== value).map(([name]) => `no ${name}`)[0]
    || (!r.headers.get('content-security-policy')?.startsWith("default-src 'none'") && 'no policy'))
attack('tracing in the answer', () => gql('{ __typename }'), (r) => r.json?.extensions && 'there are extensions')

// IDs that would change the question to a system behind.
const IDS = [
  '../../stats', 'd1/../d2', '..%2f..%2fstats', '1?x=1', '1#x', '1%00', '1\u0000', '1\r\nx: y', '', '.', ' ', 'batch/read',
  "1' or '1'='1", "PRJ-2025-001' or Project ne '", '1) or (1 eq 1', '*', '%', '1,2', '[1]', '{"a":1}', '-1', '1e3', '\u202e1', 'x'.repeat(20_000),
]
for (const [field, query] of Object.entries(LOOKUPS))
  for (const id of IDS)
    attack(`${field} with the ID ${JSON.stringify(id.slice(0, 30))}`, () => gql(query, { id }), (r) =>
      (r.json?.data?.[field] && `found ${JSON.stringify(r.json.data[field]).slice(0, 120)}`) || bounded(r))

// The attacks mean something only if the questions they are made of are good ones.
async function check() {
  if (!(await alive())) return 'it does not answer { __typename }'
  const list = await gql(`{ ${LIST} }`)
  const id = list.json?.data?.deals?.edges?.[0]?.node?.id
  if (!id) return `the list is not answered: ${list.text.slice(0, 200)}`
  const found = await gql(LOOKUPS.deal, { id })
  if (found.json?.data?.deal?.id !== id) return `a deal is not found by its ID: ${found.text.slice(0, 200)}`
  for (const [field, query] of Object.entries(LOOKUPS)) {
    const r = await gql(query, { id: 'PRJ-2025-999' })
    if (r.json?.errors?.some((error) => error.extensions?.code === 'GRAPHQL_VALIDATION_FAILED')) return `${field} cannot be asked: ${r.text.slice(0, 200)}`
  }
}

const trouble = await check()
if (trouble) {
  console.error(`${url}: ${trouble}`)
  process.exit(2)
}
const wrong = []
let tried = 0
for (const { name, run, judge } of attacks) {
  tried++
  const why = judge(await run())
  if (why) wrong.push(`${name}: ${why}`)
  if (!(await alive())) {
    wrong.push(`${name}: THE SERVER NO LONGER ANSWERS`)
    break
  }
}
console.log(`${tried} of ${attacks.length} attacks made, ${wrong.length} did harm`)
for (const line of wrong) console.log(`  ${line}`)
process.exit(wrong.length ? 1 : 0)
