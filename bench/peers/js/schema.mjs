// The graph that the Node servers serve, as a good programmer would write it by hand: one batching loader per relation
// and request, connections that are kept open.
import DataLoader from 'dataloader'
import { Pool } from 'undici'

const upstream = new Pool(process.env.UPSTREAM ?? 'http://127.0.0.1:4100', { connections: 512, pipelining: 1 })

async function get(path) {
  const { statusCode, body } = await upstream.request({ path, method: 'GET' })
  if (statusCode === 404) return body.dump(), null
  if (statusCode !== 200) throw new Error(`the system answered ${statusCode}`)
  return body.json()
}

export const typeDefs = /* GraphQL */ `
  type Query {
    deal(id: ID!): Deal
    deals(first: Int!, after: String): DealPage
  }
  type DealPage { results: [Deal!]! }
  type Deal {
    id: ID!  name: String!  stage: String!  amount: Float!  currency: String!  company: String  owner: String
    closeDate: String  projectId: ID!
    project: Project  invoices: [Invoice!]!  costs: [Cost!]!  tickets: [Ticket!]!
  }
  type Project {
    id: ID!  dealId: ID!  name: String!  status: String!  manager: String  startDate: String  endDate: String
    budgetHours: Int  spentHours: Int
  }
  type Invoice {
    id: ID!  projectId: ID!  number: String!  status: String!  amount: Float!  tax: Float  currency: String
    issuedOn: String  dueOn: String
  }
  type Cost { id: ID!  projectId: ID!  kind: String!  amount: Float!  currency: String  bookedOn: String }
  type Ticket {
    id: ID!  projectId: ID!  title: String!  status: String!  priority: String  assignee: String  createdAt: String
    estimateHours: Int
  }
`

const many = (path) => new DataLoader(async (ids) => {
  const rows = Map.groupBy(await get(path + ids.join(',')), (row) => row.projectId)
  return ids.map((id) => rows.get(id) ?? [])
})

export const context = () => ({
  projects: new DataLoader(async (ids) => {
    const rows = new Map((await get('/pm/projects?ids=' + ids.join(','))).map((p) => [p.id, p]))
    return ids.map((id) => rows.get(id) ?? null)
  }),
  invoices: many('/erp/invoices?projectIds='),
  costs: many('/erp/costs?projectIds='),
  tickets: many('/pm/tickets?projectIds='),
})

export const resolvers = {
  Query: {
    deal: (_, { id }) => get('/crm/deals/' + encodeURIComponent(id)),
    deals: (_, { first, after }) => get(`/crm/deals?limit=${first}` + (after ? `&after=${after}` : '')),
  },
  Deal: {
    project: (deal, _, ctx) => ctx.projects.load(deal.projectId),
    invoices: (deal, _, ctx) => ctx.invoices.load(deal.projectId),
    costs: (deal, _, ctx) => ctx.costs.load(deal.projectId),
    tickets: (deal, _, ctx) => ctx.tickets.load(deal.projectId),
  },
}
