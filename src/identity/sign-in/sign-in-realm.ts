import { RingfenceError } from '../../core/errors.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { Rows } from '../identity-database.ts'

/** What signing in needs to know of a realm. */
export interface SignInRealm {
  readonly issuer: string
  readonly displayName: string
  /** The realm's policy: nobody signs in with one factor. */
  readonly secondFactorRequired: boolean
}

/** @throws RingfenceError `not_found` when there is none that is open */
export async function readRealm(rows: Rows, tenant: TenantId): Promise<SignInRealm> {
  const [row] = await rows.query<{ issuer: string; display_name: string; mfa: string | null }>(
    `select issuer, display_name, settings ->> 'mfa' as mfa
     from identity.realm where tenant = $1 and open`,
    [tenant],
  )
  if (row === undefined) throw new RingfenceError('not_found', 'there is no such realm')
  return {
    issuer: row.issuer,
    displayName: row.display_name,
    secondFactorRequired: row.mfa === 'required',
  }
}
