import { TIERS } from '../../../core/tenant.ts'
import { groups, type PostgresMutant, sqlMutant } from './postgres-mutant.ts'

const SAME = '(tenant_id = (select rf.tenant()))'

/** The guard of a table is replaced by another, or by none. */
function guard(id: string, title: string, policy: string, table = 'ground.note'): PostgresMutant {
  return sqlMutant({ id, title }, (side) => {
    const filled = policy.replaceAll('{write}', groups(side).write)
    const create = filled === '' ? '' : `create policy ringfence_guard on ${table} as ${filled}`
    return `drop policy ringfence_guard on ${table}; ${create}`
  })
}

/** Row security left out, or written as it is often written. */
export const ROW_SECURITY_MUTANTS: readonly PostgresMutant[] = [
  sqlMutant(
    { id: 'pg-rls-disabled', title: 'DISABLE ROW LEVEL SECURITY on a table', tiers: TIERS },
    () => 'alter table ground.note disable row level security',
  ),
  sqlMutant(
    { id: 'pg-force-off', title: 'NO FORCE ROW LEVEL SECURITY on a table' },
    () => 'alter table ground.note no force row level security',
  ),
  guard('pg-guard-dropped', 'The tenant policy dropped, the permissive base left', ''),
  guard(
    'pg-guard-permissive',
    'The tenant policy made permissive, so that it is OR-ed with the base',
    `permissive for all to public using ${SAME} with check ${SAME}`,
  ),
  guard(
    'pg-guard-or-true',
    'An "or" added to the tenant policy',
    `restrictive for all to public using (tenant_id = (select rf.tenant()) or state <> 'insolvent') with check ${SAME}`,
  ),
  guard(
    'pg-guard-unchecked',
    'The tenant policy without a check on what is written',
    `restrictive for all to public using ${SAME} with check (true)`,
    'ground.reply',
  ),
  guard(
    'pg-guard-select-only',
    'The tenant policy for SELECT alone',
    `restrictive for select to public using ${SAME}`,
    'ground.reply',
  ),
  guard(
    'pg-guard-names-role',
    'The tenant policy for a group, whose members can drop it with DROP OWNED BY',
    `restrictive for all to {write} using ${SAME} with check ${SAME}`,
  ),
  guard(
    'pg-guard-by-setting',
    'The tenant read from a setting of the session, open while it is not set',
    `restrictive for all to public using (tenant_id = coalesce(nullif(current_setting('app.tenant_id', true), '')::uuid, tenant_id)) with check (true)`,
  ),
  guard(
    'pg-guard-prefix-match',
    'The tenant compared by prefix, with an offset beyond the end of the id',
    `restrictive for all to public using (starts_with(tenant_id::text, substr((select rf.tenant())::text, 40))) with check ${SAME}`,
  ),
  sqlMutant(
    {
      id: 'pg-permissive-beside',
      title: 'One permissive policy for the tenant, and later another for what is open',
    },
    () => `drop policy ringfence_guard on ground.note; drop policy ringfence_base on ground.note;
      create policy by_tenant on ground.note using ${SAME} with check ${SAME};
      create policy what_is_open on ground.note for select using (state = 'open')`,
  ),
  sqlMutant(
    {
      id: 'pg-partition-open',
      title: 'Row security off on a partition, and a grant on it',
    },
    (side) => `alter table ground.event_2026 disable row level security;
      grant select on ground.event_2026 to ${groups(side).read}, ${groups(side).write}`,
  ),
  sqlMutant(
    {
      id: 'pg-copied-table',
      title: 'A backup of a table made by CREATE TABLE AS: policies are not copied',
    },
    (side) => `create table ground.note_backup as select * from ground.note;
      alter table ground.note_backup owner to "${side.site.names.owner}";
      grant select on ground.note_backup to ${groups(side).read}, ${groups(side).write}`,
  ),
]
