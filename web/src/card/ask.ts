import { type Answered, read } from '../../../deploy/hubspot/src/app/cards/deal/answer'
import type { signedFetch } from '../sign-in'

/** Longer than the gateway takes to say what it could not find out. */
const PATIENCE_MS = 15_000

/** Asks for a deal by `fetch`. `fresh`: every value is read from its owner for this request. */
export async function ask(deal: string, fresh: boolean, fetch: typeof signedFetch): Promise<Answered> {
  let response
  try {
    response = await fetch('/graphql/p/deal-card', {
      method: 'POST',
      credentials: 'same-origin',
      headers: {
        'Content-Type': 'application/json',
        Accept: 'application/json',
        ...(fresh && { 'Cache-Control': 'no-cache' }),
      },
      body: JSON.stringify({ variables: { by: { id: deal } } }),
    }, PATIENCE_MS)
  } catch (error) {
    const late = error instanceof DOMException && error.name === 'TimeoutError'
    return { kind: 'unreachable', why: late ? 'It gave no answer in time. The figures are unknown, not zero.' : 'The network or the server is down. The figures are unknown, not zero.' }
  }
  // Something in between may answer with a page of its own: then there is no JSON.
  return read(response.status, await response.json().catch(() => null))
}
