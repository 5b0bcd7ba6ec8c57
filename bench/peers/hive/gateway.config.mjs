// Hive Gateway over the supergraph that mesh.config.mjs makes. PORT; CACHE_MS (0: off; else it keeps whole answers for so
// long). Without `idFields: []` that cache notes every record of an answer, for mutations to find it by; there are none,
// and its default of 1,000 notes is less than one answer to Q3 holds, which it then never finds again.
import { defineConfig } from '@graphql-hive/gateway'

const ttl = Number(process.env.CACHE_MS ?? 0)

export const gatewayConfig = defineConfig({
  supergraph: './supergraph.graphql',
  host: '127.0.0.1',
  port: Number(process.env.PORT ?? 4206),
  fork: 1,
  pollingInterval: 0,
  reporting: undefined,
  graphiql: false,
  ...(ttl ? { cache: { type: 'localforage' }, responseCaching: { ttl, idFields: [] } } : {}),
})
