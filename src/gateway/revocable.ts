import type { Revocable } from '../revocation/revocation.ts'
import type { ClaimedAccess } from '../tokens/access-token.ts'

/** What of an access token can be revoked. */
export function revocableOf(claimed: ClaimedAccess): Revocable {
  const { tenant, id, session, subject, client, issuedAt } = claimed
  return { tenant, id, session, subject, client, issuedAt }
}
