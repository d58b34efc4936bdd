import { literal } from '../connection.ts'
import { LOGIN_HOOK_SERVER_VERSION_MIN } from '../install/login-hook.ts'
import {
  alteredSql,
  callableSql,
  callersOfDatabase,
  reachableSql,
  strangeSql,
} from './own-function-rules.ts'
import { ownFunctionsOfDatabase } from './own-functions.ts'
import type { Rule } from './rule.ts'
import type { DatabaseSubject } from './subject.ts'

/** What Ringfence itself put into a database, and what of it may have been taken away. */
export const GUARD_RAIL_RULES: readonly Rule<DatabaseSubject>[] = [
  {
    id: 'pg-own-function-altered',
    severity: 'critical',
    explanation:
      'A function of Ringfence\u2019s own is missing or not as it was installed: the policies, the guard rails or the login check are no longer what they were tested to be.',
    sql: ({ names, serverVersion }) => alteredSql(ownFunctionsOfDatabase(names, serverVersion)),
  },
  {
    id: 'pg-own-schema-stranger',
    severity: 'high',
    explanation: 'A function that is not Ringfence\u2019s own is in its schema.',
    sql: ({ names, serverVersion }) =>
      strangeSql(ownFunctionsOfDatabase(names, serverVersion), 'rf'),
  },
  {
    id: 'pg-own-function-open',
    severity: 'high',
    explanation: 'Somebody may call a function of Ringfence\u2019s own who has no business there.',
    sql: ({ names }) => callableSql('rf', callersOfDatabase(names)),
  },
  {
    id: 'pg-own-table-open',
    severity: 'critical',
    explanation:
      'Somebody may read or write Ringfence\u2019s own tables: with the secret in them tenants forge each other\u2019s channel and lock names, with the register they switch the guard rails off.',
    sql: () => reachableSql('rf'),
  },
  {
    id: 'pg-guard-rail-off',
    severity: 'high',
    explanation:
      'An event trigger of Ringfence\u2019s own is missing, disabled or altered: DDL that opens the boundary is no longer refused, or ended leases may still log in.',
    sql: ({ serverVersion }) => {
      const wanted = [
        ['ringfence_guard', 'ddl_command_end', 'rf.guard()'],
        ['ringfence_guard_drop', 'sql_drop', 'rf.guard()'],
        ...(serverVersion >= LOGIN_HOOK_SERVER_VERSION_MIN
          ? [['ringfence_login', 'login', 'rf.on_login()']]
          : []),
      ]
      return `select w.name as object,
          format('drop event trigger if exists %1$I; create event trigger %1$I on %2$s execute function %3$s',
            w.name, w.event, w.function) as fix
        from (values ${wanted.map((row) => `(${row.map(literal).join(', ')})`).join(', ')}) w(name, event, function)
          left join pg_catalog.pg_event_trigger t on t.evtname = w.name
        where t.oid is null or t.evtenabled not in ('O', 'A') or t.evtevent <> w.event or t.evttags is not null
          or t.evtfoid is distinct from to_regprocedure(w.function)`
    },
  },
  {
    id: 'pg-limit-missing',
    severity: 'medium',
    explanation:
      'The database sets no limit on temporary files: one tenant\u2019s query can fill the disk that all of them write to.',
    sql: () => `select 'temp_file_limit'::text as object,
        format('alter database %I set temp_file_limit = %L', current_database(), '1GB') as fix
      where not exists (select 1 from pg_catalog.pg_db_role_setting s, unnest(s.setconfig) item
        where s.setrole = 0 and s.setdatabase = (select oid from pg_catalog.pg_database where datname = current_database())
          and item ~ '^temp_file_limit=' and item <> 'temp_file_limit=-1')`,
  },
]
