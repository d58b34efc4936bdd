import { literal } from '../connection.ts'
import { loginPattern } from '../names.ts'
import type { Rule } from './rule.ts'
import type { ServerSubject } from './subject.ts'

/** Settings that a database, or all roles, may not be given: they change what the rules mean. */
const DANGEROUS_DEFAULTS = `'session_replication_role', 'row_security', 'event_triggers', 'lo_compat_privileges',
  'session_preload_libraries', 'local_preload_libraries', 'search_path', 'allow_system_table_mods', 'role',
  'log_statement', 'log_min_duration_statement', 'log_min_error_statement'`

/** What must hold of the server's other databases, and of who is let in how. */
export const SERVER_RULES: readonly Rule<ServerSubject>[] = [
  {
    id: 'pg-custody-database-open',
    severity: 'critical',
    explanation: 'Others than the custodian may connect to the database of the lease ledger.',
    sql: () => `select format('%s to %s', a.privilege_type, a.holder) as object,
        format('revoke %s on database %I from %s', lower(a.privilege_type), a.datname, a.holder) as fix
      from database_acl a where a.datname = current_database()
        and (a.kind is distinct from 'custodian' or a.privilege_type <> 'CONNECT')`,
  },
  {
    id: 'pg-template-open',
    severity: 'high',
    explanation:
      'The database that bridge databases are copied from can be connected to: what is left in it is in every new tenant\u2019s database.',
    sql: ({ names }) => `
      select d.datname::text as object, format('alter database %I allow_connections false', d.datname) as fix
      from pg_catalog.pg_database d where d.datname = ${literal(names.templateDatabase)} and d.datallowconn
      union all
      select format('%s %s to %s', a.datname, a.privilege_type, a.holder),
        format('revoke %s on database %I from %s', lower(a.privilege_type), a.datname, a.holder)
      from database_acl a where a.datname = ${literal(names.templateDatabase)}`,
  },
  {
    id: 'pg-database-owner',
    severity: 'critical',
    explanation:
      'A database of the installation belongs to a role that is no superuser: an owner may connect, create objects and drop it.',
    sql: ({ names }) => `select format('%s owned by %s', d.datname, r.rolname) as object,
        format('alter database %I owner to %I', d.datname, current_user) as fix
      from pg_catalog.pg_database d join role r on r.oid = d.datdba
      where (d.datname in (${literal(names.pooledDatabase)}, ${literal(names.custodyDatabase)})
          or d.datname ~ ${literal(`^${names.prefix}_`)}) and not r.rolsuper`,
  },
  {
    id: 'pg-other-database-open',
    severity: 'medium',
    explanation:
      'Tenants may connect to a database that holds no application: they see the server\u2019s catalog, create temporary objects and meet other tenants there.',
    sql: ({
      names,
      exclusive,
    }) => `select format('%s %s to %s', a.datname, a.privilege_type, a.holder) as object,
        format('revoke %s on database %I from %s', lower(a.privilege_type), a.datname, a.holder) as fix
      from database_acl a
      where a.datname <> ${literal(names.pooledDatabase)} and a.datname !~ ${literal(`^${names.prefix}_`)}
        and (a.kind is not null${exclusive ? ` or a.grantee = 0 and a.datallowconn` : ''})`,
  },
  {
    id: 'pg-tablespace-open',
    severity: 'medium',
    explanation: 'Tenants may create objects in a tablespace.',
    sql: () => `select format('%s to %s', t.spcname, coalesce(quote_ident(r.rolname), 'public')) as object,
        format('revoke create on tablespace %I from %s', t.spcname, coalesce(quote_ident(r.rolname), 'public')) as fix
      from pg_catalog.pg_tablespace t, lateral aclexplode(t.spcacl) e left join role r on r.oid = e.grantee
      where e.grantee = 0 or r.kind is not null`,
  },
  {
    id: 'pg-parameter-open',
    severity: 'high',
    explanation: 'Tenants may change a setting that is a superuser\u2019s.',
    sql: ({ serverVersion }) =>
      serverVersion < 150000
        ? undefined
        : `select format('%s %s to %s', e.privilege_type, p.parname, coalesce(quote_ident(r.rolname), 'public')) as object,
        format('revoke %s on parameter %s from %s', lower(e.privilege_type), p.parname, coalesce(quote_ident(r.rolname), 'public')) as fix
      from pg_catalog.pg_parameter_acl p, lateral aclexplode(p.paracl) e left join role r on r.oid = e.grantee
      where e.grantee = 0 or r.kind is not null`,
  },
  {
    id: 'pg-database-setting',
    severity: 'high',
    explanation:
      'A setting that changes what the boundary\u2019s rules mean is fixed to a database of the installation, or to everybody.',
    sql: ({
      names,
    }) => `select format('%s: %s', coalesce(d.datname, 'all databases'), item) as object,
        case when d.datname is null then format('alter role all reset %s', split_part(item, '=', 1))
          else format('alter database %I reset %s', d.datname, split_part(item, '=', 1)) end as fix
      from pg_catalog.pg_db_role_setting s left join pg_catalog.pg_database d on d.oid = s.setdatabase,
        lateral unnest(s.setconfig) item
      where s.setrole = 0 and split_part(item, '=', 1) in (${DANGEROUS_DEFAULTS})
        and (d.datname is null or d.datname in (${literal(names.pooledDatabase)}, ${literal(names.custodyDatabase)})
          or d.datname ~ ${literal(`^${names.prefix}_`)})`,
  },
  {
    id: 'pg-hba-trust',
    severity: 'critical',
    explanation:
      'pg_hba.conf lets somebody in without a password: whoever reaches the server takes any role that the line names.',
    sql: () => hba(`h.auth_method = 'trust'`),
  },
  {
    id: 'pg-hba-weak',
    severity: 'medium',
    explanation:
      'pg_hba.conf lets tenants in by a way that sends passwords in clear, or believes the client\u2019s machine or a map about who is there.',
    sql: ({ names }) =>
      hba(`(h.auth_method in ('password', 'ident') or h.auth_method = 'peer' and h.options::text ~ 'map=')
        and exists (select 1 from unnest(h.user_name) u where u in ('all') or u ~ '^[+/]'
          or u ~ ${literal(loginPattern(names))} or u = ${literal(names.custodian)})`),
  },
]

function hba(condition: string): string {
  return `select format('%s %s %s %s', h.type, array_to_string(h.database, ','), array_to_string(h.user_name, ','),
      h.auth_method) as object, null::text as fix from hba h where ${condition}`
}
