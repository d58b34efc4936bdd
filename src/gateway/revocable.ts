import type { Revocable } from '../revocation/revocation.ts'
import type { ClaimedAccess } from '../tokens/access-token.ts'
import { sourceOf } from '../tokens/delegation.ts'

/** What of an access token can be revoked. */
export function revocableOf(claimed: ClaimedAccess): Revocable {
  const { tenant, id, session, subject, client, issuedAt } = claimed
  const source = sourceOf(claimed)
  const own = { tenant, id, session, subject, client, issuedAt }
  return source === undefined ? own : { ...own, source }
}
