import { literal } from '../connection.ts'
import { groupRoles, loginPattern, type Names } from '../names.ts'

/** Values for an SQL `in (…)`, also when there are none. */
export function list(values: readonly string[]): string {
  return values.length === 0 ? 'select null::text where false' : values.map(literal).join(', ')
}

/** An SQL condition on a role's name: it is a tenant's login or a group that tenants are in. */
export function isTenantRole(names: Names, column: string): string {
  return `(${column} in (${list(groupRoles(names))}) or ${column} ~ ${literal(loginPattern(names))})`
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
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    -- The column that the manifest says of this table, or of the one whose partition it is.
    order by exists (select 1 from rf.application x where x.schema = n.nspname
        and a.attname = coalesce(x.tables -> c.relname ->> 'tenantColumn', x.tables -> (
          select r.relname from pg_catalog.pg_class r where r.oid = pg_catalog.pg_partition_root(c.oid)
        )::text ->> 'tenantColumn', x.tenant_column)) desc, a.attnum limit 1
  ) t on true
  where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
    and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast', 'rf')
    and n.nspname !~ '^pg_(temp|toast)'
),
granted as materialized (
  select x.oid, x.attnum, x.privilege, x.grantable, coalesce(quote_ident(r.rolname), 'public') as grantee
  from (
    select rel.oid, null::int2 as attnum, e.privilege_type as privilege, e.is_grantable as grantable, e.grantee
      from rel, lateral aclexplode(rel.relacl) e where e.grantee <> rel.relowner
    union all
    select rel.oid, a.attnum, e.privilege_type, e.is_grantable, e.grantee
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

/**
 * More of them, for the rules on one database's state: who holds what on the database, on its
 * schemas, and on the system's own relations and functions.
 */
export function statePreludeSql(names: Names): string {
  return `${preludeSql(names)},
database_acl as (
  select e.privilege_type, e.grantee from pg_catalog.pg_database d,
    lateral aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) e
  where d.datname = current_database()
),
schema_acl as (
  select n.nspname, e.privilege_type, e.grantee, r.rolname,
    coalesce(quote_ident(r.rolname), 'public') as holder
  from pg_catalog.pg_namespace n, lateral aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) e
    left join pg_catalog.pg_roles r on r.oid = e.grantee
  where n.nspname !~ '^pg_(temp|toast)'
)`
}
