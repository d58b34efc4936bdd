import pg from 'pg'
import { migrateSteps } from './migrate-steps.ts'
import type { ErrorsOf } from './server-errors.ts'

/** The tables of one part, as steps that are never changed once they have run anywhere. */
export interface SchemaSteps {
  readonly schema: string
  readonly steps: readonly string[]
  /** Where the steps are entered; parts that share a schema have one each. Default `migration`. */
  readonly table?: string
  /** An advisory lock: processes that prepare the same do it one after the other. */
  readonly lock: number
  /** Make the schema, where the role may and it is not there. Default: it is there. */
  readonly isMade?: boolean
}

/** Brings tables up to date, on a connection of its own. @throws what `errorsOf` makes of errors */
export async function prepareSchema(
  settings: pg.ClientConfig,
  { schema, steps, table, lock, isMade = false }: SchemaSteps,
  errorsOf: ErrorsOf,
): Promise<void> {
  const client = new pg.Client(settings)
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query('select pg_advisory_lock($1)', [lock])
    if (isMade) await makeSchema(client, schema)
    await migrateSteps(client, schema, steps, table)
  } catch (error) {
    throw errorsOf(error)
  } finally {
    // Lets go of the lock too.
    await client.end().catch(() => {})
  }
}

/** Asked first: `if not exists` wants the right to create, there or not. */
async function makeSchema(client: pg.Client, schema: string): Promise<void> {
  const { rowCount } = await client.query('select from pg_namespace where nspname = $1', [schema])
  if (rowCount === 0) await client.query(`create schema ${schema}`)
}
