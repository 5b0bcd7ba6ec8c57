// Fastify and Mercurius with its query compiler: the fastest of the usual Node servers. PORT.
import Fastify from 'fastify'
import mercurius from 'mercurius'
import { context, resolvers, typeDefs } from './schema.mjs'

const app = Fastify()
app.register(mercurius, { schema: typeDefs, resolvers, context, jit: 1, path: '/graphql' })
await app.listen({ port: Number(process.env.PORT ?? 4202), host: '127.0.0.1' })
