import type pg from 'pg'
import { RingfenceError } from '../../../core/errors.ts'
import { ident } from '../connection.ts'
import { type Application, tenantColumnOf } from '../manifest.ts'

interface Relation {
  readonly name: string
  /** pg_class.relkind. */
  readonly kind: string
  readonly partition: boolean
  readonly columns: readonly string[]
}

/**
 * Holds what a manifest names against what the migrations made. A misspelt name would otherwise
 * leave a column open that was to be hidden, or a table closed that was to be open.
 * @throws RingfenceError `invalid_manifest` that says what is not there
 */
export async function checkNames(admin: pg.ClientBase, application: Application): Promise<void> {
  const { rows } = await admin.query<Relation>(
    `select c.relname as name, c.relkind as kind, c.relispartition as partition,
       coalesce(array_agg(a.attname::text) filter (where a.attnum > 0 and not a.attisdropped), '{}') as columns
     from pg_catalog.pg_class c left join pg_catalog.pg_attribute a on a.attrelid = c.oid
     where c.relnamespace = to_regnamespace($1) and c.relkind in ('r', 'p', 'v')
     group by c.oid order by c.relname`,
    [ident(application.schema)],
  )
  const relations = new Map(rows.map((row) => [row.name, row]))
  for (const [name, rights] of Object.entries(application.tables)) {
    const { columns } = table(application, relations, name)
    const named = [
      tenantColumnOf(application, name),
      ...rights.hidden,
      ...Object.keys(rights.sample),
    ]
    const missing = named.find((column) => !columns.includes(column))
    if (missing !== undefined) {
      refuse(`the table ${application.schema}.${name} has no column ${missing}`)
    }
  }
  for (const name of application.shared) table(application, relations, name)
  for (const name of application.views) {
    const kind = found(application, relations, name).kind
    if (kind !== 'v') refuse(`${application.schema}.${name} is named under views and is a table`)
  }
  for (const name of application.functions) await checkFunction(admin, application, name)
}

function table(
  application: Application,
  relations: ReadonlyMap<string, Relation>,
  name: string,
): Relation {
  const relation = found(application, relations, name)
  if (relation.kind === 'v') refuse(`${application.schema}.${name} is a view: name it under views`)
  if (relation.partition) {
    refuse(`${application.schema}.${name} is a partition: name the partitioned table`)
  }
  return relation
}

function found(
  { schema }: Application,
  relations: ReadonlyMap<string, Relation>,
  name: string,
): Relation {
  return (
    relations.get(name) ??
    refuse(`the manifest names ${schema}.${name}, which the migrations do not create`)
  )
}

async function checkFunction(
  admin: pg.ClientBase,
  { schema }: Application,
  name: string,
): Promise<void> {
  const { rows } = await admin.query<{ schema: string | null }>(
    `select (select n.nspname from pg_catalog.pg_proc p join pg_catalog.pg_namespace n
       on n.oid = p.pronamespace where p.oid = to_regprocedure($1)) as schema`,
    [name],
  )
  if (rows[0]?.schema !== schema) {
    refuse(`the manifest names the function ${name}, which the migrations do not create`)
  }
}

function refuse(message: string): never {
  throw new RingfenceError('invalid_manifest', message)
}
