import { TIERS } from '../../../core/tenant.ts'
import {
  groups,
  type PostgresMutant,
  roleMutant,
  SHARED_SERVER,
  sqlMutant,
} from './postgres-mutant.ts'

/** Grants EXECUTE to PUBLIC on the system functions whose names match. */
export const openFunctions = (pattern: string) => `do $$ declare f regprocedure; begin
    for f in select p.oid from pg_proc p where p.pronamespace = 'pg_catalog'::regnamespace and p.prokind = 'f'
      and p.proname ~ '${pattern}' loop execute format('grant execute on function %s to public', f); end loop;
  end $$;`

function opened(
  id: string,
  title: string,
  sql: string,
  tiers: PostgresMutant['tiers'] = ['pooled'],
): PostgresMutant {
  return sqlMutant({ id, title, tiers }, () => sql)
}

/** What PostgreSQL shows everybody by default, shown again. */
export const SYSTEM_MUTANTS: readonly PostgresMutant[] = [
  roleMutant(
    {
      id: 'pg-activity-open',
      title: 'Monitoring opened to tenants: pg_monitor, and the views of activity',
      tiers: SHARED_SERVER,
    },
    (side) => ({
      sql: `${openFunctions('^pg_stat_')} grant select on pg_stat_activity to public; grant pg_monitor to ${groups(side).write}`,
      undo: `revoke pg_monitor from ${groups(side).write}`,
    }),
  ),
  opened(
    'pg-statistics-open',
    'Planner statistics readable',
    'analyze ground.note; grant select on pg_statistic to public; grant select on pg_stats to public',
  ),
  opened(
    'pg-locks-open',
    'pg_locks readable',
    `${openFunctions('^pg_lock_status$')} grant select on pg_locks to public`,
  ),
  opened('pg-advisory-locks-open', 'Advisory locks for everybody', openFunctions('advisory')),
  opened('pg-notify-open', 'pg_notify for everybody', openFunctions('^pg_notify$')),
  opened(
    'pg-large-objects-open',
    'Large objects for everybody',
    openFunctions('^(lo_|be_lo_|loread|lowrite)'),
  ),
  opened('pg-counts-open', 'Row counts in pg_class readable', 'grant select on pg_class to public'),
  opened('pg-sizes-open', 'Sizes of tables for everybody', openFunctions('_size$')),
  opened(
    'pg-sequences-open',
    'setval and nextval for everybody, and the sequences granted',
    `${openFunctions('^(setval|nextval|currval|lastval)$')} grant usage, select, update on all sequences in schema ground to public`,
  ),
  opened(
    'pg-roles-open',
    'The catalogs of roles and databases readable',
    'grant select on pg_roles, pg_user, pg_auth_members, pg_database, pg_db_role_setting to public',
    TIERS,
  ),
  opened(
    'pg-authid-open',
    'The table of password verifiers readable',
    'grant select on pg_authid to public',
    TIERS,
  ),
  opened(
    'pg-transactions-open',
    'Transaction numbers for everybody',
    openFunctions('^(txid_|pg_current_xact|pg_current_snapshot|pg_snapshot_|pg_current_wal)'),
  ),
  opened('pg-sources-open', 'Function bodies readable', 'grant select on pg_proc to public'),
  roleMutant(
    {
      id: 'pg-signals-open',
      title: 'pg_signal_backend for tenants, and the functions that send signals',
      tiers: SHARED_SERVER,
    },
    (side) => ({
      sql: `${openFunctions('^pg_(cancel|terminate)_backend$')} grant pg_signal_backend to ${groups(side).write}`,
      undo: `revoke pg_signal_backend from ${groups(side).write}`,
    }),
  ),
]
