import { isTenantRole, list } from './prelude.ts'
import type { Rule } from './rule.ts'
import type { DatabaseSubject } from './subject.ts'

/**
 * Extensions of PostgreSQL's own distribution, and a few others, that reach files, other servers,
 * other sessions' statements, raw pages or the replication stream.
 */
const REACHING_EXTENSIONS = `
  adminpack amcheck dblink file_fdw intagg lo pageinspect pg_buffercache pg_cron pg_freespacemap
  pg_logicalinspect pg_prewarm pg_stat_statements pg_surgery pg_visibility pg_walinspect pgrowlocks
  pgstattuple plperlu plpython3u plpythonu pltclu postgres_fdw pglogical refint tcn xml2
`
  .trim()
  .split(/\s+/)

/** What was added to the database and reaches out of it, or hands its rows elsewhere. */
export const FOREIGN_RULES: readonly Rule<DatabaseSubject>[] = [
  {
    id: 'pg-extension',
    severity: 'medium',
    explanation:
      'An extension is installed that reaches files, other servers, other sessions\u2019 statements or raw pages: one grant, or one flaw in it, opens all tenants.',
    sql: () => `select quote_ident(x.extname) as object, format('drop extension %I', x.extname) as fix
      from pg_catalog.pg_extension x where x.extname in (${list(REACHING_EXTENSIONS)})`,
  },
  {
    id: 'pg-untrusted-language',
    severity: 'medium',
    explanation:
      'A language is installed whose functions run as the server\u2019s own operating system user, beyond every check.',
    sql: () => `select quote_ident(l.lanname) as object, null::text as fix
      from pg_catalog.pg_language l where not l.lanpltrusted and l.lanname not in ('internal', 'c')`,
  },
  {
    id: 'pg-foreign-access',
    severity: 'high',
    explanation:
      'Tenants may use a foreign server: they reach whatever its user mapping opens, as someone else.',
    sql: ({ names }) => `
      select format('user mapping for %s on %I', m.usename, m.srvname) as object,
        format('drop user mapping for %s server %I',
          case when m.umuser = 0 then 'public' else quote_ident(m.usename) end, m.srvname) as fix
      from pg_catalog.pg_user_mappings m where m.umuser = 0 or ${isTenantRole(names, 'm.usename')}
      union all
      select format('USAGE on server %I to %s', s.srvname, coalesce(quote_ident(r.rolname), 'public')),
        format('revoke usage on foreign server %I from %s', s.srvname, coalesce(quote_ident(r.rolname), 'public'))
      from pg_catalog.pg_foreign_server s, lateral aclexplode(s.srvacl) e
        left join pg_catalog.pg_roles r on r.oid = e.grantee
      where e.grantee = 0 or ${isTenantRole(names, 'r.rolname')}
      union all
      select format('USAGE on foreign data wrapper %I to %s', w.fdwname, coalesce(quote_ident(r.rolname), 'public')),
        format('revoke usage on foreign data wrapper %I from %s', w.fdwname, coalesce(quote_ident(r.rolname), 'public'))
      from pg_catalog.pg_foreign_data_wrapper w, lateral aclexplode(w.fdwacl) e
        left join pg_catalog.pg_roles r on r.oid = e.grantee
      where e.grantee = 0 or ${isTenantRole(names, 'r.rolname')}`,
  },
  {
    id: 'pg-foreign-server',
    severity: 'low',
    explanation:
      'A foreign server is defined in a database with tenant rows: row security ends where its tables begin.',
    sql: () => `select quote_ident(s.srvname) as object, format('drop server %I cascade', s.srvname) as fix
      from pg_catalog.pg_foreign_server s`,
  },
  {
    id: 'pg-publication',
    severity: 'medium',
    explanation:
      'A publication hands out all tenants\u2019 rows: row security does not apply to the replication stream.',
    sql: () => `select quote_ident(p.pubname) as object, format('drop publication %I', p.pubname) as fix
      from pg_catalog.pg_publication p`,
  },
  {
    id: 'pg-subscription',
    severity: 'medium',
    explanation: 'A subscription writes rows from another server, past the tenant\u2019s policies.',
    sql: () => `select quote_ident(s.subname) as object, format('alter subscription %1$I disable;
alter subscription %1$I set (slot_name = none);
drop subscription %1$I', s.subname) as fix
      from pg_catalog.pg_subscription s
      where s.subdbid = (select d.oid from pg_catalog.pg_database d where d.datname = current_database())`,
  },
  {
    id: 'pg-large-object',
    severity: 'medium',
    explanation:
      'A large object is granted to tenants or PUBLIC: it knows no rows and so no tenants.',
    sql: ({ names }) => `
      select format('large object %s %s to %s', m.oid, e.privilege_type, coalesce(quote_ident(r.rolname), 'public')) as object,
        format('revoke all on large object %s from %s', m.oid, coalesce(quote_ident(r.rolname), 'public')) as fix
      from pg_catalog.pg_largeobject_metadata m, lateral aclexplode(m.lomacl) e
        left join pg_catalog.pg_roles r on r.oid = e.grantee
      where e.grantee <> m.lomowner and (e.grantee = 0 or ${isTenantRole(names, 'r.rolname')})`,
  },
  {
    id: 'pg-extended-statistics',
    severity: 'low',
    explanation:
      'Extended statistics are kept on a table with tenant rows: row estimates tell more of other tenants\u2019 values.',
    sql: () => `select format('%I on %s', x.stxname, s.name) as object,
        format('drop statistics %I.%I', n.nspname, x.stxname) as fix
      from pg_catalog.pg_statistic_ext x join subject s on s.oid = x.stxrelid
        join pg_catalog.pg_namespace n on n.oid = x.stxnamespace`,
  },
]
