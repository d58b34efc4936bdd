import { literal } from '../connection.ts'
import { groupRoles, loginPattern, type Names } from '../names.ts'

/** An SQL condition on a role's name: it is a tenant's login or a group that tenants are in. */
export function isTenantRole(names: Names, column: string): string {
  const groups = groupRoles(names).map(literal).join(', ')
  return `(${column} in (${groups}) or ${column} ~ ${literal(loginPattern(names))})`
}

/**
 * Common table expressions for the rules, without the leading WITH:
 * `rel` is every relation outside the system's schemas and Ringfence's own, with its tenant column;
 * `granted` is every privilege on one of them (or on a column of it) that PUBLIC or tenants hold.
 */
export function preludeSql(names: Names): string {
  return `
tenant_column as (
  select distinct x.name from rf.application a, lateral (
    select a.tenant_column as name union all
    select t.value ->> 'tenantColumn' from jsonb_each(a.tables) t where t.value ? 'tenantColumn') x
),
rel as materialized (
  select c.oid, c.relkind, c.relrowsecurity, c.relforcerowsecurity, c.relispartition, c.relowner,
    c.relacl, c.reloptions, n.nspname, c.relname, format('%I.%I', n.nspname, c.relname) as name,
    t.attnum as tenant_attnum, t.attname as tenant_attname, t.attnotnull as tenant_notnull,
    t.atttypid as tenant_type,
    exists (select 1 from rf.application a
      where a.schema = n.nspname and c.relname = any (a.shared)) as shared
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join lateral (
    select a.* from pg_catalog.pg_attribute a join tenant_column tc on tc.name = a.attname
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped order by a.attnum limit 1
  ) t on true
  where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
    and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast', 'rf')
    and n.nspname !~ '^pg_(temp|toast)'
),
granted as materialized (
  select x.oid, x.attnum, x.privilege, coalesce(quote_ident(r.rolname), 'public') as grantee
  from (
    select rel.oid, null::int2 as attnum, e.privilege_type as privilege, e.grantee
      from rel, lateral aclexplode(rel.relacl) e where e.grantee <> rel.relowner
    union all
    select rel.oid, a.attnum, e.privilege_type, e.grantee
      from rel join pg_catalog.pg_attribute a on a.attrelid = rel.oid,
        lateral aclexplode(a.attacl) e where e.grantee <> rel.relowner
  ) x left join pg_catalog.pg_roles r on r.oid = x.grantee
  where x.grantee = 0 or ${isTenantRole(names, 'r.rolname')}
),
subject as materialized (
  select rel.* from rel where rel.relkind in ('r', 'p') and not rel.shared
    and (rel.tenant_attnum is not null or exists (select 1 from granted g where g.oid = rel.oid))
)`
}
