import { literal } from '../connection.ts'
import { groupRoles } from '../names.ts'
import { isTenantRole, list } from './prelude.ts'
import type { Rule } from './rule.ts'
import type { DatabaseSubject } from './subject.ts'

const LANGUAGE = `select l.lanname, e.privilege_type, e.grantee, coalesce(quote_ident(r.rolname), 'public') as holder, r.rolname
  from pg_catalog.pg_language l, lateral aclexplode(coalesce(l.lanacl, acldefault('l', l.lanowner))) e
    left join pg_catalog.pg_roles r on r.oid = e.grantee
  where l.lanpltrusted and l.lanname <> 'sql'`

/** What PUBLIC and tenants may do with the database, its schemas and languages. */
export const PRIVILEGE_RULES: readonly Rule<DatabaseSubject>[] = [
  {
    id: 'pg-connect-open',
    severity: 'critical',
    explanation: 'Logins that do not belong in this database may connect to it.',
    sql: ({ names, keys, pooled }) => {
      const own = keys.map((key) => `^${names.prefix}_${key.replaceAll('-', '')}_[rwx][0-9]$`)
      const allowed = [
        ...(pooled ? [`r.rolname in (${list(Object.values(names.pooledGroups))})`] : []),
        ...own.map((pattern) => `r.rolname ~ ${literal(pattern)}`),
        'false',
      ].join(' or ')
      return `select format('%s to %s', e.privilege_type, coalesce(quote_ident(r.rolname), 'public')) as object,
          format('revoke connect on database %I from %s', current_database(),
            coalesce(quote_ident(r.rolname), 'public')) as fix
        from database_acl e left join pg_catalog.pg_roles r on r.oid = e.grantee
        where e.privilege_type = 'CONNECT' and (e.grantee = 0 or r.rolname = ${literal(names.custodian)}
          or ${isTenantRole(names, 'r.rolname')} and not (${allowed}))`
    },
  },
  {
    id: 'pg-temp-open',
    severity: 'high',
    explanation:
      'Tenants may create temporary objects: tables that shadow the application\u2019s in functions that trust the search path, and functions of their own that run on rows before a filter does.',
    sql: ({ names }) => databasePrivilege(names, 'TEMPORARY', 'temporary'),
  },
  {
    id: 'pg-create-open',
    severity: 'high',
    explanation:
      'Tenants may create objects: functions and operators of their own run on rows before a filter does, and names of theirs may be found before the application\u2019s.',
    sql: ({ names }) => `${databasePrivilege(names, 'CREATE', 'create')}
      union all
      select format('CREATE on schema %I to %s', x.nspname, x.holder),
        format('revoke create on schema %I from %s', x.nspname, x.holder)
      from schema_acl x where x.privilege_type = 'CREATE'
        and (x.grantee = 0 or ${isTenantRole(names, 'x.rolname')})`,
  },
  {
    id: 'pg-schema-open',
    severity: 'medium',
    explanation:
      'Tenants may look up objects in a schema that the manifest does not name: what PUBLIC holds in it is open to them.',
    sql: ({ names, applications }) => `
      select format('USAGE on schema %I to %s', x.nspname, x.holder) as object,
        format('revoke usage on schema %I from %s', x.nspname, x.holder) as fix
      from schema_acl x where x.privilege_type = 'USAGE' and x.nspname not in ('pg_catalog', 'information_schema')
        and (x.grantee = 0 or ${isTenantRole(names, 'x.rolname')} and not (
          x.rolname in (${list(groupRoles(names))}) and x.nspname in ('rf', 'rf_delete')
          or x.rolname in (${list(Object.values(names.groups))})
            and x.nspname in (${list(applications.map((one) => one.schema))})))`,
  },
  {
    id: 'pg-language-open',
    severity: 'high',
    explanation:
      'Tenants may use a procedural language: anonymous blocks loop, catch errors and so read oracles at full speed.',
    sql: ({ names }) => `select format('%I to %s', x.lanname, x.holder) as object,
        format('revoke usage on language %I from %s', x.lanname, x.holder) as fix
      from (${LANGUAGE}) x where x.grantee = 0 or ${isTenantRole(names, 'x.rolname')}`,
  },
  {
    id: 'pg-default-execute-open',
    severity: 'medium',
    explanation:
      'The next function that is created here can be called by PUBLIC, as PostgreSQL has it by default.',
    sql: ({ names }) => `
      select quote_ident(o.rolname) as object,
        format('alter default privileges for role %I revoke execute on functions from public', o.rolname) as fix
      from pg_catalog.pg_roles o where o.rolname in (current_user, ${list([names.owner, names.definer])})
        and not exists (select 1 from pg_catalog.pg_default_acl d
          where d.defaclrole = o.oid and d.defaclnamespace = 0 and d.defaclobjtype = 'f')`,
  },
  {
    id: 'pg-tenant-owns-other',
    severity: 'high',
    explanation: 'A tenant\u2019s role owns an object: it may change it, and hand it to others.',
    sql: ({ names }) => `
      select pg_describe_object(d.classid, d.objid, d.objsubid) as object,
        format('reassign owned by %I to %I', r.rolname, ${literal(names.owner)}) as fix
      from pg_catalog.pg_shdepend d join pg_catalog.pg_roles r on r.oid = d.refobjid
      where d.refclassid = 'pg_authid'::regclass and d.deptype = 'o'
        and d.dbid = (select oid from pg_database where datname = current_database())
        and d.classid <> 'pg_proc'::regclass
        and not (d.classid = 'pg_class'::regclass and d.objid in (select rel.oid from rel))
        and ${isTenantRole(names, 'r.rolname')}`,
  },
  {
    id: 'pg-custodian-reaches',
    severity: 'high',
    explanation:
      'The custodian, who manages every tenant\u2019s credentials, owns or may use something in a database with tenant rows.',
    sql: ({ names }) => `
      select pg_describe_object(d.classid, d.objid, d.objsubid) as object,
        case when d.deptype = 'o' then format('reassign owned by %I to %I', r.rolname, ${literal(names.owner)})
          when d.classid = 'pg_class'::regclass
            then format('revoke all on %s from %I', d.objid::regclass, r.rolname)
          when d.classid = 'pg_namespace'::regclass
            then format('revoke all on schema %s from %I', d.objid::regnamespace, r.rolname)
          when d.classid = 'pg_proc'::regclass
            then format('revoke all on routine %s from %I', d.objid::regprocedure, r.rolname) end as fix
      from pg_catalog.pg_shdepend d join pg_catalog.pg_roles r on r.oid = d.refobjid
      where d.refclassid = 'pg_authid'::regclass and r.rolname = ${literal(names.custodian)}
        and d.dbid = (select oid from pg_database where datname = current_database())`,
  },
]

function databasePrivilege(
  names: DatabaseSubject['names'],
  privilege: string,
  word: string,
): string {
  return `select format('%s to %s', e.privilege_type, coalesce(quote_ident(r.rolname), 'public')) as object,
      format('revoke ${word} on database %I from %s', current_database(),
        coalesce(quote_ident(r.rolname), 'public')) as fix
    from database_acl e left join pg_catalog.pg_roles r on r.oid = e.grantee
    where e.privilege_type = ${literal(privilege)} and (e.grantee = 0 or ${isTenantRole(names, 'r.rolname')})`
}
