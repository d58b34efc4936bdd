import type { TenantId } from '../core/tenant.ts'
import { type MeteringDatabase, ROLL_LOCK } from './metering-database.ts'

const TABLES = [
  'event',
  'event_key',
  'conflict',
  'amendment',
  'dirty',
  'rollup',
  'member',
  'tenant_root',
] as const

/** Removes all usage of a tenant. What its senders still hold would come again: end them before. */
export function eraseUsage(database: MeteringDatabase, tenant: TenantId): Promise<void> {
  return database.transaction(async ({ client }) => {
    await client.query('select pg_advisory_xact_lock($1)', [ROLL_LOCK])
    for (const table of TABLES) {
      await client.query(`delete from usage.${table} where tenant = $1`, [tenant])
    }
  })
}
