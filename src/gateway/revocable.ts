import type { Revocable } from '../revocation/revocation.ts'
import type { ClaimedAccess } from '../tokens/access-token.ts'
import { sourceOf } from '../tokens/delegation.ts'
import type { Exchange } from './exchange.ts'
import { TokenNote } from './note.ts'

const known = new TokenNote<Revocable>()

/** What of a request's access token can be revoked; undefined when it came with none that says anything. */
export function revocableOf(exchange: Pick<Exchange, 'claimed' | 'read'>): Revocable | undefined {
  const { claimed } = exchange
  if (claimed === undefined) return undefined
  let revocable = known.get(exchange)
  if (revocable === undefined) known.set(exchange, (revocable = revocableIn(claimed)))
  return revocable
}

function revocableIn(claimed: ClaimedAccess): Revocable {
  const { tenant, id, session, subject, client, issuedAt } = claimed
  const source = sourceOf(claimed)
  const own = { tenant, id, session, subject, client, issuedAt }
  return source === undefined ? own : { ...own, source }
}
