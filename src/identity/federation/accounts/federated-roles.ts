import { createHash } from 'node:crypto'
import type { Subject } from '../../../core/names.ts'
import type { TenantId } from '../../../core/tenant.ts'
import type { IdentityDatabase, Rows } from '../../identity-database.ts'
import { lockRealm } from '../../realm-keys.ts'
import type { ConnectionId } from '../connection/connection-id.ts'
import { enterChange } from '../../entering.ts'

/**
 * Makes a user's roles from one connection exactly these, those that the realm has. Roles from
 * elsewhere are not touched: what an administrator withheld stays withheld.
 */
export async function setFederatedRoles(
  database: IdentityDatabase,
  tenant: TenantId,
  connection: ConnectionId,
  subject: Subject,
  roles: readonly string[],
): Promise<void> {
  const prefix = prefixOf(connection)
  const wanted = roles.map((role) => `${prefix}${nameOf(subject, role)}`)
  await database.transaction(async (rows) => {
    await lockRealm(rows, tenant)
    const gone = await rows.query(
      `delete from identity.role_binding
       where tenant = $1 and subject = $2 and starts_with(id, $3) and id <> all($4) returning id`,
      [tenant, subject, prefix, wanted],
    )
    const added = await rows.query(
      `insert into identity.role_binding (tenant, id, subject, role)
       select r.tenant, w.id, $2, r.name
       from unnest($3::text[], $4::text[]) as w (id, role)
       join identity.role r on r.tenant = $1 and r.name = w.role
       on conflict do nothing returning id`,
      [tenant, subject, wanted, roles],
    )
    if (gone.length + added.length === 0) return
    await enterChange(rows, tenant, 'user.roles', subject, { connection, roles })
  })
}

/** What a connection gave goes with it. */
export async function removeFederatedRoles(
  rows: Rows,
  tenant: TenantId,
  connection: ConnectionId,
  subject?: Subject,
): Promise<void> {
  await rows.query(
    `delete from identity.role_binding
     where tenant = $1 and starts_with(id, $2) and subject = coalesce($3, subject)`,
    [tenant, prefixOf(connection), subject ?? null],
  )
}

/** Ids that administrators make are random and hold no dot. */
function prefixOf(connection: ConnectionId): string {
  return `federation.${connection}.`
}

function nameOf(subject: Subject, role: string): string {
  return createHash('sha256').update(`${subject}\n${role}`).digest('base64url')
}
