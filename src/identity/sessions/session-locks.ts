import type { Subject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { Rows } from '../identity-database.ts'

/**
 * Until the caller's transaction ends no session of the realm begins, and none is ended by anybody
 * else. It comes before anything that it changes is locked, so that two never wait for each other.
 */
export async function lockRealmSessions(rows: Rows, tenant: TenantId): Promise<void> {
  await keepRealm(rows, tenant)
  await lock(rows, '', tenant)
}

/** The same of one user. Those of other users go on. */
export async function lockUserSessions(
  rows: Rows,
  tenant: TenantId,
  subject: Subject,
): Promise<void> {
  await keepRealm(rows, tenant)
  await lock(rows, '_shared', tenant)
  await lock(rows, '', tenant, subject)
}

/**
 * Locks the realm's row as every row does that comes to refer to it, before anything of the realm's is
 * locked: who removes the realm has its row first, and then all that is in it.
 */
async function keepRealm(rows: Rows, tenant: TenantId): Promise<void> {
  await rows.query('select from identity.realm where tenant = $1 for key share', [tenant])
}

async function lock(
  rows: Rows,
  how: '' | '_shared',
  tenant: TenantId,
  subject: Subject | '' = '',
): Promise<void> {
  await rows.query(`select pg_advisory_xact_lock${how}(hashtextextended($1, 0))`, [
    `ringfence sessions\n${tenant}\n${subject}`,
  ])
}
