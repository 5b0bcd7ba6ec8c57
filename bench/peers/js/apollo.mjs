// Apollo Server, stand-alone. PORT; CACHE_MS (0: off; else its response cache keeps whole answers for so long).
import { ApolloServer } from '@apollo/server'
import { startStandaloneServer } from '@apollo/server/standalone'
import { ApolloServerPluginCacheControl } from '@apollo/server/plugin/cacheControl'
import responseCachePlugin from '@apollo/server-plugin-response-cache'
import { context, resolvers, typeDefs } from './schema.mjs'

const lifetime = Number(process.env.CACHE_MS ?? 0)
const caching = [ApolloServerPluginCacheControl({ defaultMaxAge: lifetime / 1000 }), responseCachePlugin()]
const server = new ApolloServer({ typeDefs, resolvers, plugins: lifetime ? caching : [] })
await startStandaloneServer(server, {
  context: async () => context(),
  listen: { port: Number(process.env.PORT ?? 4203), host: '127.0.0.1' },
})
