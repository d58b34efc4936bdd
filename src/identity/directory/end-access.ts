import type { Subject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { RevocationPublisher } from '../../revocation/revocation.ts'
import type { Rows } from '../identity-database.ts'

/**
 * Ends what a user holds: sessions, refresh tokens, access tokens. In the caller's transaction, so
 * that a user is not made inactive without it, nor the other way round.
 */
export type EndAccess = (rows: Rows, tenant: TenantId, subject: Subject) => Promise<void>

/** Voids everything that was issued to the subject until now, and then does the `others`. */
export function endingAccess(
  publisher: RevocationPublisher,
  ...others: readonly EndAccess[]
): EndAccess {
  return async (rows, tenant, subject) => {
    await publisher.publish(rows, { kind: 'subject', tenant, id: subject, at: new Date() })
    for (const other of others) await other(rows, tenant, subject)
  }
}
