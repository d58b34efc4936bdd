import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import { messageOf, RingfenceError } from '../../core/errors.ts'
import { parseDocument } from '../../core/parse-document.ts'

const identifier = z
  .string()
  .regex(/^[a-z_][a-z0-9_]{0,62}$/, 'must be a plain lower-case SQL identifier')

/** Schemas of the server's, of Ringfence's own and of the proof's. */
const RESERVED_SCHEMA = /^(rf|rf_delete|ground|pg_.*|information_schema)$/
/** The application's name becomes a database's: these are taken, or look like Ringfence's own. */
const RESERVED_NAME = /^(postgres|template[01]|ground|custody|rf_.*|pg_.*)$/

const actions = z.enum(['select', 'insert', 'update', 'delete'])

const table = z.strictObject({
  /** Which statements tenants may use. `delete` is by the generated function in schema rf_delete. */
  allow: z.array(actions).default(['select']),
  tenantColumn: identifier.optional(),
  /** Columns that tenants may not read or write, on top of what `allow` says. */
  hidden: z.array(identifier).default([]),
  /** Values for rows that the proof makes up, where a check constraint wants a certain one. */
  sample: z.record(identifier, z.union([z.string(), z.number(), z.boolean()])).default({}),
})

const manifestSchema = z.strictObject({
  apiVersion: z.literal('ringfence.dev/v1'),
  kind: z.literal('Application'),
  metadata: z.strictObject({
    name: z
      .string()
      .regex(/^[a-z][a-z0-9_]{0,30}$/, 'must be a-z0-9_')
      .refine((name) => !RESERVED_NAME.test(name), { message: 'is reserved' }),
  }),
  spec: z.strictObject({
    schema: identifier.refine((name) => !RESERVED_SCHEMA.test(name), { message: 'is reserved' }),
    migrations: z.string().optional(),
    tenantColumn: identifier.default('tenant_id'),
    tables: z.record(identifier, table),
    shared: z.array(identifier).default([]),
    views: z.array(identifier).default([]),
    functions: z
      .array(
        z.string().regex(/^[a-z_][\w]*\.[a-z_]\w*\([\w ,.[\]]*\)$/, 'must be schema.name(types)'),
      )
      .default([]),
  }),
})

export interface Migration {
  readonly name: string
  readonly sql: string
  readonly sha256: string
}

export type TableRights = z.output<typeof table>

/** What an application says of its own schema. What it does not name is closed to tenants. */
export interface Application {
  readonly name: string
  readonly schema: string
  readonly tenantColumn: string
  readonly tables: Readonly<Record<string, TableRights>>
  readonly shared: readonly string[]
  readonly views: readonly string[]
  readonly functions: readonly string[]
  readonly migrations: readonly Migration[]
  /** Hex SHA-256 over the manifest and its migrations. */
  readonly sha256: string
}

/**
 * Reads a manifest and the migrations it points to.
 * @throws RingfenceError `invalid_manifest` that names the file and the field.
 */
export function loadApplication(path: string): Application {
  const text = readText(path)
  const spec = parseDocument(text, path, manifestSchema)
  const migrations =
    spec.spec.migrations === undefined
      ? []
      : loadMigrations(resolve(dirname(path), spec.spec.migrations))
  const digest = createHash('sha256').update(text)
  for (const { name, sql } of migrations) digest.update(JSON.stringify([name, sql]))
  const { schema, tenantColumn, shared, views, functions } = spec.spec
  // Without a prototype, so that a table named constructor is found only where it was named.
  const tables: Record<string, TableRights> = Object.assign(Object.create(null), spec.spec.tables)
  const both = shared.find((name) => name in tables)
  if (both !== undefined) {
    throw new RingfenceError('invalid_manifest', `${path}: ${both} is both in tables and in shared`)
  }
  const foreign = functions.find((name) => !name.startsWith(`${schema}.`))
  if (foreign !== undefined) {
    throw new RingfenceError('invalid_manifest', `${path}: ${foreign} is not in schema ${schema}`)
  }
  return {
    name: spec.metadata.name,
    schema,
    tenantColumn,
    tables,
    shared,
    views,
    functions,
    migrations,
    sha256: digest.digest('hex'),
  }
}

/** The column of a table that says whose row it is. */
export function tenantColumnOf(application: Application, tableName: string): string {
  return application.tables[tableName]?.tenantColumn ?? application.tenantColumn
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new RingfenceError('invalid_manifest', `${path}: ${messageOf(error)}`)
  }
}

function loadMigrations(directory: string): readonly Migration[] {
  let names: string[]
  try {
    names = readdirSync(directory).filter((name) => name.endsWith('.sql'))
  } catch (error) {
    throw new RingfenceError('invalid_manifest', `${directory}: ${messageOf(error)}`)
  }
  return names.sort().map((name) => {
    const sql = readText(join(directory, name))
    const sha256 = createHash('sha256').update(sql).digest('hex')
    return { name: basename(name, '.sql'), sql, sha256 }
  })
}
