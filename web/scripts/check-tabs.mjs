// check-tabs.mjs: every ready-made tab, and every query of the pages' own, is valid against the schema of record, and its variables have the declared types.
import { readdirSync, readFileSync } from 'node:fs'
import { buildSchema, parse, validate } from 'graphql'
import { getVariableValues } from 'graphql/execution/values.js'

const web = new URL('../', import.meta.url)
// The contract carries directives of the federation, which it does not declare.
const schema = buildSchema(readFileSync(new URL('../schema.graphql', web), 'utf8'), { assumeValidSDL: true })
const tabs = new URL('src/tabs/', web)
const pages = ['../example.graphql', '../drill/deals.graphql', '../drill/project.graphql']
const demo = JSON.parse(readFileSync(new URL('demo.json', tabs), 'utf8'))

let passed = 0
let failed = 0
for (const name of [...readdirSync(tabs).filter((file) => file.endsWith('.graphql')).sort(), ...pages]) {
  const problems = check(readFileSync(new URL(name, tabs), 'utf8'))
  if (problems.length) failed++
  else passed++
  console.log(`${problems.length ? 'FAIL' : 'ok  '} ${name}`)
  for (const problem of problems) console.log(`     ${problem}`)
}
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed || !passed ? 1 : 0)

function check(text) {
  const document = parse(text)
  const errors = validate(schema, document)
  if (errors.length) return errors.map((error) => `${error.locations?.[0]?.line ?? '?'}: ${error.message}`)
  const [operation] = document.definitions
  const declared = operation.variableDefinitions ?? []
  const { errors: wrong } = getVariableValues(schema, declared, demo)
  return (wrong ?? []).map((error) => error.message)
}
