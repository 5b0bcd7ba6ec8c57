// What Hive Gateway reads: three REST systems by their descriptions (openapi/), joined by the project's ID. Composed by
// setup.sh into supergraph.graphql.
import { defineConfig } from '@graphql-mesh/compose-cli'
import { loadOpenAPISubgraph } from '@omnigraph/openapi'

const endpoint = process.env.UPSTREAM ?? 'http://127.0.0.1:4100'
const system = (name) => ({ sourceHandler: loadOpenAPISubgraph(name, { source: `./openapi/${name}.json`, endpoint }) })

const join = (field, type, source, call, keysArg, valueKey) =>
  `${field}: ${type} @resolveTo(sourceName: "${source}", sourceTypeName: "Query", sourceFieldName: "${call}",
     keyField: "projectId", keysArg: "${keysArg}", valueKeyField: "${valueKey}")`

export const composeConfig = defineConfig({
  subgraphs: ['crm', 'erp', 'pm'].map(system),
  additionalTypeDefs: /* GraphQL */ `
    directive @resolveTo(
      requiredSelectionSet: String sourceName: String! sourceTypeName: String! sourceFieldName: String!
      sourceSelectionSet: String sourceArgs: ResolveToSourceArgs keyField: String keysArg: String valueKeyField: String
      pubsubTopic: String filterBy: String additionalArgs: ResolveToSourceArgs result: String resultType: String
    ) on FIELD_DEFINITION
    scalar ResolveToSourceArgs
    extend type Deal {
      ${join('project', 'Project', 'pm', 'projectsById', 'ids', 'id')}
      ${join('invoices', '[Invoice]', 'erp', 'invoicesByProject', 'projectIds', 'projectId')}
      ${join('costs', '[Cost]', 'erp', 'costsByProject', 'projectIds', 'projectId')}
      ${join('tickets', '[Ticket]', 'pm', 'ticketsByProject', 'projectIds', 'projectId')}
    }
  `,
})
