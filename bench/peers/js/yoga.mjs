// GraphQL Yoga. PORT; CACHE_MS (0: off; else its response cache keeps whole answers for so long).
// `idFields: []`: no mutation will look for answers by the records in them, so they need not be noted.
import { createServer } from 'node:http'
import { createSchema, createYoga } from 'graphql-yoga'
import { useResponseCache } from '@graphql-yoga/plugin-response-cache'
import { context, resolvers, typeDefs } from './schema.mjs'

const ttl = Number(process.env.CACHE_MS ?? 0)
const yoga = createYoga({
  schema: createSchema({ typeDefs, resolvers }),
  context,
  logging: false,
  plugins: ttl ? [useResponseCache({ session: () => null, ttl, idFields: [] })] : [],
})
createServer(yoga).listen(Number(process.env.PORT ?? 4204), '127.0.0.1')
