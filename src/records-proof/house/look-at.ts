import { logOf } from '../../audit/entry.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { LogDatabase } from '../../records/log/log-database.ts'

/** What is somebody's, and by which column. Rollups follow by themselves, and are not compared. */
const TABLES = [
  ['usage.event', 'tenant'],
  ['usage.amendment', 'tenant'],
  ['usage.conflict', 'tenant'],
  ['billing.invoice', 'tenant'],
  ['billing.invoice_event', 'tenant'],
  ['billing.in_force', 'tenant'],
  ['billing.budget', 'tenant'],
  ['behaviour.response', 'tenant'],
] as const

const LOOK = [
  ...TABLES.map(
    ([table, owner]) =>
      `select '${table}' as name, md5(coalesce(string_agg(t.text, ',' order by t.text), '')) as state
       from (select r::text as text from ${table} r where r.${owner} <> $1) t`,
  ),
  `select 'records.log_entry', md5(coalesce(string_agg(t.text, ',' order by t.text), ''))
   from (select log || place || encode(hash, 'hex') as text from records.log_entry
     where log <> $2) t`,
  // How far a sink has come, and what became of it, changes by itself.
  `select 'records.stream_sink', md5(coalesce(string_agg(t.text, ',' order by t.text), ''))
   from (select concat(log, name, revision, settings, set_by) as text from records.stream_sink
     where log <> $2) t`,
  `select 'alerts.sink', md5(coalesce(string_agg(t.text, ',' order by t.text), ''))
   from (select s::text as text from alerts.sink s where owner <> $2) t`,
].join(' union all ')

/** One digest a table of all that other tenants have. */
export async function lookAt(
  admin: LogDatabase,
  attacker: TenantId,
): Promise<ReadonlyMap<string, string>> {
  const rows = await admin.query<{ name: string; state: string }>(LOOK, [attacker, logOf(attacker)])
  return new Map(rows.map(({ name, state }) => [name, state]))
}
