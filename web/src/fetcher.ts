import type { Fetcher } from '@graphiql/toolkit'
import { signedFetch } from './sign-in'

/** Sends one operation to this origin's `/graphql`, as whoever signed in. What the page's Headers pane says goes before that. */
export const fetcher: Fetcher = async (request, options) => {
  const response = await signedFetch('/graphql', {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Accept: 'application/graphql-response+json, application/json',
      ...options?.headers,
    },
    body: JSON.stringify(request),
  })
  const text = await response.text()
  try {
    return JSON.parse(text)
  } catch {
    // Something in between answered, a proxy or a sign-in page: say so instead of "unexpected token".
    throw new Error(`HTTP ${response.status} ${response.statusText}: the answer is not JSON`)
  }
}
