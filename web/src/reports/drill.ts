import deals from '../drill/deals.graphql?raw'
import project from '../drill/project.graphql?raw'
import type { Cell, Filter } from './feed'

interface Target {
  href: string
  title: string
}

/** Where GraphiQL shows what is behind a cell; null if the graph has no such question. */
export function drill(column: string, cell: Cell, filter: Filter): Target | null {
  // "(unassigned)" and its like are no names.
  if (typeof cell !== 'string' || cell.startsWith('(')) return null
  switch (column) {
    case 'project_id':
      return { href: graphiql(project, { id: cell }), title: 'This project in GraphiQL' }
    case 'client_id':
      return { href: graphiql(deals, { filter: { ...dealFilter(filter), clientId: cell } }), title: 'The deals of this client in GraphiQL' }
    case 'vertical':
      return { href: graphiql(deals, { filter: { ...dealFilter(filter), vertical: cell } }), title: 'The deals of this vertical in GraphiQL' }
    case 'deal_type':
      return { href: graphiql(deals, { filter: { ...dealFilter(filter), dealType: cell } }), title: 'The deals of this type in GraphiQL' }
    default:
      return null
  }
}

/** The same choice of deals in the words of the graph. */
function dealFilter(filter: Filter): Record<string, string> {
  const all = {
    status: filter.status?.toUpperCase(),
    vertical: filter.vertical,
    dealType: filter.deal_type,
    pipeline: filter.pipeline,
    closedFrom: filter.from,
    closedTo: filter.to,
  }
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => Boolean(entry[1])))
}

/** After the "#", so that it stays in the browser and no log holds it. */
function graphiql(query: string, variables: object): string {
  return `/graphiql#${new URLSearchParams({ query, variables: JSON.stringify(variables, null, 2) })}`
}
