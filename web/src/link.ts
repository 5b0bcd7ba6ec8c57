import type { Tab } from './tabs'

/**
 * The operation that the page's address asks for: `/graphiql#query=…&variables=…`. It is taken out of the address, so that a
 * reload shows what the reader made of it.
 */
export function linked(): Tab | null {
  const given = new URLSearchParams(location.hash.slice(1))
  const query = given.get('query')
  if (!query) return null
  history.replaceState(null, '', location.pathname + location.search)
  return { query, variables: given.get('variables') ?? undefined }
}
