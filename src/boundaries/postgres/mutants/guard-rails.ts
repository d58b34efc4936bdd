import { TIERS } from '../../../core/tenant.ts'
import { LOGIN_HOOK_SERVER_VERSION_MIN } from '../install/login-hook.ts'
import { groups, type PostgresMutant, SHARED_SERVER, sqlMutant } from './postgres-mutant.ts'

/** What Ringfence itself put there, taken away or opened. */
export const GUARD_RAIL_MUTANTS: readonly PostgresMutant[] = [
  sqlMutant(
    {
      id: 'pg-event-trigger-dropped',
      title: 'The event trigger that guards DDL dropped',
      tiers: TIERS,
    },
    () => 'drop event trigger ringfence_guard',
  ),
  sqlMutant(
    { id: 'pg-event-trigger-disabled', title: 'The event trigger that guards drops disabled' },
    () => 'alter event trigger ringfence_guard_drop disable',
  ),
  sqlMutant(
    {
      id: 'pg-login-check-dropped',
      title: 'The check at login gone (before PostgreSQL 17: the guard\u2019s function emptied)',
      tiers: TIERS,
    },
    (side) =>
      side.site.cluster.serverVersion >= LOGIN_HOOK_SERVER_VERSION_MIN
        ? 'drop event trigger ringfence_login'
        : `create or replace function rf.guard() returns event_trigger language plpgsql security definer
             set search_path = pg_catalog, pg_temp as 'begin end'`,
  ),
  sqlMutant(
    { id: 'pg-secret-readable', title: 'The secret behind channel and lock names readable' },
    (side) => `grant select on rf.secret to ${groups(side).read}, ${groups(side).write}`,
  ),
  sqlMutant(
    { id: 'pg-register-altered', title: 'A tenants\u2019 table registered as shared' },
    () => `update rf.application set shared = shared || '{reply}' where name = 'ground'`,
  ),
  sqlMutant(
    { id: 'pg-limit-off', title: 'The limit on temporary files gone', tiers: SHARED_SERVER },
    (side) => `alter database "${side.database}" reset temp_file_limit`,
  ),
]
