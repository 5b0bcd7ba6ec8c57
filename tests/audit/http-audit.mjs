#!/usr/bin/env node
// http-audit.mjs URL: the audits of GraphQL over HTTP that come with the npm package graphql-http.
// Every failure is printed; a failed MUST or SHOULD ends with 1. The failed MAYs are about GET, which Spine does not take.
import { serverAudits } from 'graphql-http'

const [url] = process.argv.slice(2)
if (!url) {
  console.error('usage: http-audit.mjs URL')
  process.exit(2)
}

const rows = []
for (const audit of serverAudits({ url, fetchFn: fetch })) {
  const { status, reason } = await audit.fn()
  const [level] = audit.name.match(/^(MUST|SHOULD|MAY)/) ?? ['OTHER']
  rows.push({ level, id: audit.id, name: audit.name, ok: status === 'ok', reason })
}

for (const level of ['MUST', 'SHOULD', 'MAY', 'OTHER']) {
  const those = rows.filter((row) => row.level === level)
  if (those.length) console.log(`${level}: ${those.filter((row) => row.ok).length} of ${those.length} pass`)
  for (const row of those.filter((row) => !row.ok)) console.log(`  ${row.id} ${row.name}: ${row.reason}`)
}
process.exit(rows.length < 50 || rows.some((row) => !row.ok && row.level !== 'MAY') ? 1 : 0)
