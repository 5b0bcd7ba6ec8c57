import { hubspot } from '@hubspot/ui-extensions'

import { type Answered, read } from './deal/answer'
import { SPINE } from './spine'

/** HubSpot's own limit is 15 s unless told; Spine answers within 10 s, or says what it could not find out by then. */
const PATIENCE_MS = 14_000

/** Asks Spine for a deal by its record ID. HubSpot's servers carry the question, and sign it. */
export async function ask(deal: string): Promise<Answered> {
  try {
    const response = await hubspot.fetch(`${SPINE}/graphql/p/deal-card`, {
      method: 'POST',
      timeout: PATIENCE_MS,
      body: { variables: { by: { id: deal } } },
    })
    return read(response.status, await response.json().catch(() => null))
  } catch {
    return { kind: 'unreachable', why: 'HubSpot got no answer from Spine in time. The figures are unknown, not zero.' }
  }
}
