import { literal } from '../connection.ts'
import { type Application, tenantColumnOf } from '../manifest.ts'
import type { Names } from '../names.ts'
import { list } from './prelude.ts'
import type { Rule } from './rule.ts'
import type { DatabaseSubject } from './subject.ts'

/** What tenants are granted, held against what the manifest names. */
export const MANIFEST_RULES: readonly Rule<DatabaseSubject>[] = [
  {
    id: 'pg-manifest-altered',
    severity: 'high',
    explanation:
      'What the database believes of the application is not what its manifest says: the guard rails leave open what the register calls shared.',
    sql: ({ applications }) => {
      const rows = applications.map(
        (one) => `(${literal(one.name)}, ${literal(one.schema)}, ${literal(one.tenantColumn)},
          ${literal(JSON.stringify(one.tables))}::jsonb, ${array(one.shared)}, ${array(one.views)}, ${array(one.functions)})`,
      )
      const columns = ['schema', 'tenant_column', 'tables', 'shared', 'views', 'functions']
      return `select quote_ident(coalesce(w.name, a.name)) as object,
          case when w.name is null then format('delete from rf.application where name = %L', a.name)
            when a.name is not null then format('update rf.application set ${columns.map((name) => `${name} = %L`).join(', ')} where name = %L',
              ${columns.map((name) => `w.${name}`).join(', ')}, w.name) end as fix
        from rf.application a full join (values ${rows.join(', ')}) w(name, ${columns.join(', ')}) on w.name = a.name
        where a.name is null or w.name is null
          or (${columns.map((name) => `a.${name}`).join(', ')}) is distinct from (${columns.map((name) => `w.${name}`).join(', ')})`
    },
  },
  {
    id: 'pg-grant-not-named',
    severity: 'high',
    explanation:
      'Tenants hold a privilege on a table, column or view that the manifest does not give them.',
    sql: ({ names, applications }) => `
      select format('%s%s %s to %s', rel.name, coalesce('.' || quote_ident(a.attname), ''), g.privilege, g.grantee) as object,
        format('revoke %s%s on %s from %s', lower(g.privilege), coalesce(' (' || quote_ident(a.attname) || ')', ''),
          rel.name, g.grantee) as fix
      from granted g join rel on rel.oid = g.oid
        left join pg_catalog.pg_attribute a on a.attrelid = g.oid and a.attnum = g.attnum
      where g.privilege in ('SELECT', 'INSERT', 'UPDATE')
        and not (${applications.flatMap((one) => allowed(names, one)).join('\n          or ')})`,
  },
  {
    id: 'pg-trigger-definer',
    severity: 'high',
    explanation:
      'A trigger on a table with tenant rows runs as somebody whom row security may not bind: tenants set it off with values of their choice.',
    sql: ({ names }) => `
      select format('%I on %s runs %s', t.tgname, s.name, p.oid::regprocedure) as object,
        format('alter function %s owner to %I', p.oid::regprocedure, ${literal(names.owner)}) as fix
      from subject s join pg_catalog.pg_trigger t on t.tgrelid = s.oid and not t.tgisinternal
        join pg_catalog.pg_proc p on p.oid = t.tgfoid join pg_catalog.pg_roles o on o.oid = p.proowner
      where p.prosecdef and o.rolname not in (${list([names.owner, names.definer])}) and t.tgparentid = 0`,
  },
  {
    id: 'pg-delete-function-altered',
    severity: 'critical',
    explanation:
      'A delete function is not as it was generated, or belongs to somebody whom row security does not bind: tenants delete through it with that owner\u2019s rights.',
    sql: ({ names, applications }) => `
      select coalesce(p.name, 'rf_delete.' || quote_ident(w.relname)) as object,
        case when w.relname is null then format('drop routine %s', p.name)
          else coalesce('drop routine if exists ' || p.name || ';\n', '') || w.repair end as fix
      from (${deleteFunctionsSql(names, applications)}) w full join (
        select p.*, o.rolname as owner, l.lanname,
          format('rf_delete.%I(%s)', p.proname, pg_get_function_identity_arguments(p.oid)) as name
        from pg_catalog.pg_proc p join pg_catalog.pg_roles o on o.oid = p.proowner
          join pg_catalog.pg_language l on l.oid = p.prolang
        where p.pronamespace = 'rf_delete'::regnamespace
      ) p on p.proname = w.relname and oidvectortypes(p.proargtypes) = w.types
      where p.oid is null or w.relname is null or p.prosrc <> w.body or not p.prosecdef or p.provolatile <> 'v'
        or p.lanname <> 'sql' or p.owner <> ${literal(names.definer)}
        or p.proconfig is distinct from array['search_path=pg_catalog, pg_temp']
        or exists (select 1 from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) e
          left join pg_catalog.pg_roles r on r.oid = e.grantee
          where e.grantee <> p.proowner and r.rolname is distinct from ${literal(names.groups.write)})`,
  },
]

function array(values: readonly string[]): string {
  return `array[${values.map(literal).join(', ')}]::text[]`
}

/** Conditions that hold for the grants that `applyGrants` makes for an application. */
function allowed(names: Names, application: Application): readonly string[] {
  const schema = `rel.nspname = ${literal(application.schema)}`
  const { read, write, export: exporter } = names.groups
  const both = list([read, write])
  const tables = Object.entries(application.tables)
  const may = (action: string) =>
    list(
      tables.filter(([, { allow }]) => allow.some((one) => one === action)).map(([name]) => name),
    )
  const hidden = tables.flatMap(([name, rights]) =>
    rights.hidden.map((column) => `(${literal(name)}, ${literal(column)})`),
  )
  const open =
    hidden.length === 0
      ? 'true'
      : `(rel.relname::text, a.attname::text) not in (${hidden.join(', ')})`
  const tenantColumns = tables.map(
    ([name]) => `(${literal(name)}, ${literal(tenantColumnOf(application, name))})`,
  )
  const movable =
    tenantColumns.length === 0
      ? 'true'
      : `(rel.relname::text, a.attname::text) not in (${tenantColumns.join(', ')})`
  const writable = `a.attgenerated = '' and a.attidentity <> 'a'`
  return [
    `${schema} and rel.shared and g.privilege = 'SELECT' and g.grantee in (${list([read, write, exporter])})`,
    `${schema} and g.attnum is not null and g.privilege = 'SELECT' and g.grantee = ${literal(exporter)} and rel.tenant_attnum is not null and rel.relkind in ('r', 'p') and not rel.relispartition`,
    `${schema} and g.attnum is not null and g.privilege = 'SELECT' and g.grantee in (${both}) and rel.relname in (${may('select')}) and ${open}`,
    `${schema} and g.attnum is not null and g.privilege = 'INSERT' and g.grantee = ${literal(write)} and rel.relname in (${may('insert')}) and ${open} and ${writable}`,
    `${schema} and g.attnum is not null and g.privilege = 'UPDATE' and g.grantee = ${literal(write)} and rel.relname in (${may('update')}) and ${open} and ${writable} and ${movable}`,
    `${schema} and g.privilege = 'SELECT' and g.grantee in (${both}) and rel.relkind = 'v' and rel.relname in (${list(application.views)})`,
    // These have rules of their own, which say more.
    `g.attnum is null and rel.relkind in ('r', 'p') and not rel.shared and (rel.tenant_attnum is null or g.privilege = 'UPDATE')`,
    `rel.relkind in ('S', 'm', 'f')`,
    `rel.relkind = 'v' and g.privilege <> 'SELECT'`,
  ]
}

/** The delete functions that the manifest asks for, as `applyGrants` makes them. */
function deleteFunctionsSql(names: Names, applications: readonly Application[]): string {
  const wanted = applications.flatMap((application) =>
    Object.entries(application.tables)
      .filter(([, { allow }]) => allow.includes('delete'))
      .map(([table]) => `(${literal(application.schema)}, ${literal(table)})`),
  )
  const quoted = (column: string) => `'"' || replace(${column}, '"', '""') || '"'`
  return `
    select k.relname, k.body, k.types, format('create function rf_delete.%1$I(%2$s) returns bigint language sql
  volatile security definer set search_path = pg_catalog, pg_temp as %3$L;
alter function rf_delete.%1$I(%4$s) owner to %5$I;
revoke all on function rf_delete.%1$I(%4$s) from public;
grant execute on function rf_delete.%1$I(%4$s) to %6$I',
      k.relname, k.arguments, k.body, k.types, ${literal(names.definer)}, ${literal(names.groups.write)}) as repair
    from (
      select rel.relname, string_agg(format_type(a.atttypid, null), ', ' order by key.position) as types,
        string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' order by key.position) as arguments,
        format(' with gone as (delete from %s.%s t where %s returning 1) select count(*) from gone ',
          ${quoted('rel.nspname')}, ${quoted('rel.relname')},
          string_agg(format('t.%s = $%s', ${quoted('a.attname')}, key.position), ' and ' order by key.position)) as body
      from rel join pg_catalog.pg_index i on i.indrelid = rel.oid and i.indisprimary,
        lateral (select k.attnum, row_number() over (order by k.position) as position
          from unnest(i.indkey::int2[]) with ordinality k(attnum, position)
          where k.attnum <> rel.tenant_attnum) key,
        pg_catalog.pg_attribute a
      where a.attrelid = rel.oid and a.attnum = key.attnum
        and (rel.nspname::text, rel.relname::text) in (values ${wanted.length === 0 ? '(null, null)' : wanted.join(', ')})
      group by rel.relname, rel.nspname
    ) k`
}
