import type { TenantId } from '../../../core/tenant.ts'
import type { Rows } from '../../identity-database.ts'
import { tokenHash } from './token-hash.ts'
import type { ScimClient } from './scim-client.ts'

const BEARER = /^Bearer +([\x21-\x7e]{1,500}) *$/i

/**
 * Whose token it is, in this realm; undefined for everything else. One query in any case, for a token
 * of another realm, an expired one and none at all: they look alike, and take as long.
 * @throws RingfenceError `engine_unavailable`
 */
export async function authenticateClient(
  rows: Rows,
  tenant: TenantId,
  authorization: string | undefined,
): Promise<ScimClient | undefined> {
  const token = BEARER.exec(authorization ?? '')?.[1] ?? ''
  const [row] = await rows.query<{ readonly id: string; readonly emails_verified: boolean }>(
    `with found as (
       select t.tenant, t.id, t.emails_verified from identity.scim_token t
       join identity.realm r on r.tenant = t.tenant
       where t.tenant = $1 and t.sha256 = $2 and t.expires_at > now() and r.open
     ), used as (
       -- Once a minute, so that requests side by side do not wait for each other.
       update identity.scim_token t set last_used_at = date_trunc('minute', now()) from found
       where t.tenant = found.tenant and t.id = found.id
         and (t.last_used_at is null or t.last_used_at < date_trunc('minute', now()))
     )
     select id, emails_verified from found`,
    [tenant, tokenHash(token)],
  )
  return row && { tenant, id: row.id, emailsVerified: row.emails_verified }
}
