import {
  attributeMutant,
  groups,
  ownServer,
  type PostgresMutant,
  roleMutant,
  SHARED_SERVER,
} from './postgres-mutant.ts'
import { openFunctions } from './system.ts'

/**
 * Rights over a whole server. What attacks then leave behind does not end at a copy, so these come
 * last.
 */
export const POWER_MUTANTS: readonly PostgresMutant[] = [
  ownServer(
    roleMutant(
      {
        id: 'pg-files-open',
        title: 'The server\u2019s files and programs for tenants',
        tiers: SHARED_SERVER,
      },
      (side) => {
        const roles = 'pg_read_server_files, pg_write_server_files, pg_execute_server_program'
        return {
          sql: `${openFunctions('^(pg_read_|pg_ls_|pg_stat_file|pg_relation_filepath)')} grant ${roles} to ${groups(side).write}`,
          undo: `revoke ${roles} from ${groups(side).write}`,
        }
      },
    ),
  ),
  ownServer(
    attributeMutant('pg-login-replication', 'Tenants\u2019 logins with REPLICATION', 'replication'),
  ),
  ownServer(
    attributeMutant('pg-login-createrole', 'Tenants\u2019 logins with CREATEROLE', 'createrole'),
  ),
  ownServer(
    attributeMutant('pg-login-superuser', 'Tenants\u2019 logins made superusers', 'superuser'),
  ),
]
