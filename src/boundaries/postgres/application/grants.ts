import type pg from 'pg'
import { RingfenceError } from '../../../core/errors.ts'
import { ident, literal } from '../connection.ts'
import { type Application, tenantColumnOf } from '../manifest.ts'
import { guardPrinted, tenantPrinted } from '../install/identity.ts'
import { groupRoles, type Names } from '../names.ts'
import { checkNames } from './check-names.ts'

interface Column {
  readonly table: string
  readonly name: string
  readonly generated: boolean
  readonly keyPosition: number | null
  readonly type: string
}

/**
 * Brings the database in line with the manifest: protects every table with a tenant column, takes
 * away all that tenants and PUBLIC hold in the application's schema, and grants what the manifest
 * names. The whole runs inside the caller's transaction, so that no moment is wider than either end.
 * @throws RingfenceError `invalid_manifest` when it names something that the schema does not have.
 */
export async function applyGrants(
  admin: pg.ClientBase,
  names: Names,
  application: Application,
): Promise<void> {
  await checkNames(admin, application)
  await suspendGuard(admin)
  await register(admin, application)
  await protectTables(admin, names, application)
  await admin.query(closeSql(names, application))
  const columns = await readColumns(admin, application)
  for (const statement of grantStatements(names, application, columns)) await admin.query(statement)
  for (const view of application.views) await grantView(admin, names, application, view)
  for (const name of application.functions) {
    await admin.query(
      `grant execute on function ${name} to ${ident(names.groups.read)}, ${ident(names.groups.write)}`,
    )
  }
}

/** The guard would check after each of many statements; the one after the last is enough. */
async function suspendGuard(admin: pg.ClientBase): Promise<void> {
  await admin.query('insert into rf.guard_busy values (pg_current_xact_id())')
}

/** Lets the guard look at the transaction's final state: any DDL does, this one changes nothing. */
export async function checkWithGuard(admin: pg.ClientBase): Promise<void> {
  await admin.query('delete from rf.guard_busy where xid = pg_current_xact_id()')
  await admin.query(`comment on schema rf is 'Ringfence: the tenant boundary of this database'`)
}

async function register(admin: pg.ClientBase, application: Application): Promise<void> {
  await admin.query(
    `insert into rf.application as a (name, schema, tenant_column, tables, shared, views, functions, sha256)
     values ($1, $2, $3, $4, $5, $6, $7, $8)
     on conflict (name) do update set schema = excluded.schema, tenant_column = excluded.tenant_column,
       tables = excluded.tables, shared = excluded.shared, views = excluded.views,
       functions = excluded.functions, sha256 = excluded.sha256, applied_at = now()`,
    [
      application.name,
      application.schema,
      application.tenantColumn,
      JSON.stringify(application.tables),
      application.shared,
      application.views,
      application.functions,
      application.sha256,
    ],
  )
}

/**
 * That table c is protected on column a as rf.protect does it. What it does, it does under a lock that
 * waits for tenants and makes them wait; a second installation has no need of it.
 */
const isProtected = (names: Names) => `
  c.relrowsecurity and c.relforcerowsecurity and a.attnotnull
  and exists (select 1 from pg_catalog.pg_attrdef d where d.adrelid = c.oid and d.adnum = a.attnum
    and pg_get_expr(d.adbin, d.adrelid) = ${literal(tenantPrinted(names))})
  and 2 = (select count(*) from pg_catalog.pg_policy p, lateral (select
      pg_get_expr(p.polqual, p.polrelid) as reads, pg_get_expr(p.polwithcheck, p.polrelid) as writes,
      format('(%I = %s)', a.attname, ${literal(guardPrinted(names))}) as own) e
    where p.polrelid = c.oid and p.polroles = '{0}' and p.polcmd = '*' and (
      (p.polname = 'ringfence_base' and p.polpermissive and e.reads = 'true' and e.writes = 'true') or
      (p.polname = 'ringfence_guard' and not p.polpermissive and e.reads = e.own and e.writes = e.own)))`

async function protectTables(
  admin: pg.ClientBase,
  names: Names,
  application: Application,
): Promise<void> {
  const { rows } = await admin.query<{ relname: string; parent: string | null }>(
    `select c.relname, p.relname as parent from pg_catalog.pg_class c
       left join pg_catalog.pg_inherits i on i.inhrelid = c.oid
       left join pg_catalog.pg_class p on p.oid = i.inhparent
     where c.relnamespace = to_regnamespace($1) and c.relkind in ('r', 'p') order by 1`,
    [ident(application.schema)],
  )
  for (const { relname, parent } of rows) {
    if (application.shared.includes(relname)) continue
    const column = tenantColumnOf(
      application,
      relname in application.tables ? relname : (parent ?? relname),
    )
    await admin.query(
      `select rf.protect(c.oid::regclass, a.attname) from pg_catalog.pg_class c
         join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = $3 and not a.attisdropped
       where c.relnamespace = to_regnamespace($1) and c.relname = $2 and not (${isProtected(names)})`,
      [ident(application.schema), relname, column],
    )
  }
}

function closeSql(names: Names, application: Application): string {
  const schema = ident(application.schema)
  const tenants = ['public', ...groupRoles(names).map(ident), ident(names.definer)].join(', ')
  const readers = Object.values(names.groups).map(ident).join(', ')
  return `
    revoke all on all tables in schema ${schema} from ${tenants};
    revoke all on all sequences in schema ${schema} from ${tenants};
    revoke all on all routines in schema ${schema} from ${tenants};
    revoke all on schema ${schema} from ${tenants};
    do $$ declare r record; begin
      for r in select c.oid::regclass as name, string_agg(quote_ident(a.attname), ', ') as columns
        from pg_catalog.pg_class c join pg_catalog.pg_attribute a on a.attrelid = c.oid
        where c.relnamespace = ${literal(application.schema)}::regnamespace and a.attnum > 0
          and not a.attisdropped and a.attacl is not null group by 1
      loop execute format('revoke all (%s) on %s from ${tenants}', r.columns, r.name); end loop;
      for r in select p.oid::regprocedure as name from pg_catalog.pg_proc p
        where p.pronamespace = 'rf_delete'::regnamespace
          and strpos(p.prosrc, ${literal(`(delete from ${schema}.`)}) > 0
      loop execute format('drop function %s', r.name); end loop;
    end $$;
    grant usage on schema ${schema} to ${readers}, ${ident(names.definer)};`
}

async function readColumns(
  admin: pg.ClientBase,
  application: Application,
): Promise<ReadonlyMap<string, readonly Column[]>> {
  const { rows } = await admin.query<Column>(
    `select c.relname as table, a.attname as name, a.attgenerated <> '' or a.attidentity = 'a' as generated,
       array_position(i.indkey::int2[], a.attnum) as "keyPosition", format_type(a.atttypid, a.atttypmod) as type
     from pg_catalog.pg_class c join pg_catalog.pg_attribute a on a.attrelid = c.oid
       left join pg_catalog.pg_index i on i.indrelid = c.oid and i.indisprimary
     where c.relnamespace = to_regnamespace($1) and c.relkind in ('r', 'p') and not c.relispartition
       and a.attnum > 0 and not a.attisdropped order by c.relname, a.attnum`,
    [ident(application.schema)],
  )
  return Map.groupBy(rows, (row) => row.table)
}

function grantStatements(
  names: Names,
  application: Application,
  columns: ReadonlyMap<string, readonly Column[]>,
): readonly string[] {
  const { read, write, export: exporter } = names.groups
  const statements: string[] = []
  const grant = (
    privilege: string,
    list: readonly string[],
    table: string,
    roles: readonly string[],
  ) => {
    if (list.length === 0) return
    statements.push(
      `grant ${privilege} (${list.map(ident).join(', ')}) on ${ident(application.schema)}.${ident(table)} to ${roles.map(ident).join(', ')}`,
    )
  }
  for (const [table, all] of columns) {
    const tenantColumn = tenantColumnOf(application, table)
    if (application.shared.includes(table)) {
      grant(
        'select',
        all.map((c) => c.name),
        table,
        [read, write, exporter],
      )
      continue
    }
    if (!all.some((c) => c.name === tenantColumn)) continue
    grant(
      'select',
      all.map((c) => c.name),
      table,
      [exporter],
    )
    const rights = application.tables[table]
    if (rights === undefined) continue
    const open = all.filter((c) => !rights.hidden.includes(c.name))
    const writable = open.filter((c) => !c.generated)
    if (rights.allow.includes('select'))
      grant(
        'select',
        open.map((c) => c.name),
        table,
        [read, write],
      )
    if (rights.allow.includes('insert'))
      grant(
        'insert',
        writable.map((c) => c.name),
        table,
        [write],
      )
    if (rights.allow.includes('update')) {
      grant(
        'update',
        writable.map((c) => c.name).filter((name) => name !== tenantColumn),
        table,
        [write],
      )
    }
    if (rights.allow.includes('delete')) {
      statements.push(...deleteFunction(names, application, table, tenantColumn, all))
    }
  }
  return statements
}

/**
 * Tenants delete through a function, because a table-wide DELETE privilege would also let them LOCK
 * TABLE … IN ACCESS EXCLUSIVE MODE and stop everyone. It runs as a role that row security binds like
 * any other, and the guard looks at the session's login: it deletes the caller's rows only.
 */
function deleteFunction(
  names: Names,
  application: Application,
  table: string,
  tenantColumn: string,
  columns: readonly Column[],
): readonly string[] {
  const key = columns
    .filter((c) => c.keyPosition !== null && c.name !== tenantColumn)
    .sort((a, b) => (a.keyPosition ?? 0) - (b.keyPosition ?? 0))
  if (key.length === 0) {
    throw new RingfenceError(
      'invalid_manifest',
      `${table}: delete needs a primary key (${tenantColumn}, …) with at least one more column`,
    )
  }
  const qualified = `${ident(application.schema)}.${ident(table)}`
  const signature = `rf_delete.${ident(table)}(${key.map((c) => `${ident(c.name)} ${c.type}`).join(', ')})`
  const match = key.map((c, index) => `t.${ident(c.name)} = $${index + 1}`).join(' and ')
  const keyColumns = [tenantColumn, ...key.map((c) => c.name)].map(ident).join(', ')
  return [
    `grant select (${keyColumns}), delete on ${qualified} to ${ident(names.definer)}`,
    `create function ${signature} returns bigint language sql volatile security definer
       set search_path = pg_catalog, pg_temp
       as $body$ with gone as (delete from ${qualified} t where ${match} returning 1) select count(*) from gone $body$`,
    `alter function ${signature} owner to ${ident(names.definer)}`,
    `revoke all on function ${signature} from public`,
    `grant execute on function ${signature} to ${ident(names.groups.write)}`,
  ]
}

async function grantView(
  admin: pg.ClientBase,
  names: Names,
  application: Application,
  view: string,
): Promise<void> {
  const qualified = `${ident(application.schema)}.${ident(view)}`
  const { rows } = await admin.query(
    `select 1 from pg_catalog.pg_class c where c.oid = to_regclass($1)
       and current_setting('server_version_num')::int >= 150000
       and not coalesce('security_invoker=true' = any (c.reloptions), false)`,
    [qualified],
  )
  if (rows.length > 0) await admin.query(`alter view ${qualified} set (security_invoker = true)`)
  await admin.query(
    `grant select on ${qualified} to ${ident(names.groups.read)}, ${ident(names.groups.write)}`,
  )
}
