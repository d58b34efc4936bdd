import type pg from 'pg'
import { PooledDatabase, type Queries, type Tx } from '../database/pooled-database.ts'
import { prepareSchema } from '../database/prepare-schema.ts'
import { usableOrNot } from '../database/server-errors.ts'
import { IDENTITY_MIGRATIONS } from './identity-migrations.ts'

/** Serialises migrating processes. The number is "iden" in ASCII. */
const MIGRATION_LOCK = 0x6964656e
const CONNECTIONS = 8
const STATEMENT_MS = 10_000

const unavailable = usableOrNot('the identity database')

/** Statements, of a transaction or of none. */
export interface Rows extends Queries {
  /** Of a transaction: does something once it has committed, and not if it does not. */
  readonly afterCommit?: (thing: () => void) => void
}

/** The schema `identity` of the control database, as the identity plane's own role. */
export class IdentityDatabase implements Rows {
  readonly #database: PooledDatabase
  readonly #close: () => Promise<void>

  private constructor(database: PooledDatabase, close: () => Promise<void>) {
    this.#database = database
    this.#close = close
  }

  /** Connects and brings the schema up to date. @throws RingfenceError `engine_unavailable` */
  static async open(settings: pg.ClientConfig): Promise<IdentityDatabase> {
    const database = new PooledDatabase(settings, {
      applicationName: 'ringfence-identity',
      connections: CONNECTIONS,
      connectMs: STATEMENT_MS,
      statementMs: STATEMENT_MS,
      errorsOf: unavailable,
    })
    try {
      const tables = { schema: 'identity', steps: IDENTITY_MIGRATIONS, lock: MIGRATION_LOCK }
      await prepareSchema(database.settings, tables, unavailable)
      return new IdentityDatabase(database, () => database.close())
    } catch (error) {
      await database.close()
      throw error
    }
  }

  /** The same connections for somebody else too, who does not close them. */
  shared(): IdentityDatabase {
    return new IdentityDatabase(this.#database, () => Promise.resolve())
  }

  query<Row extends pg.QueryResultRow>(
    sql: string,
    values?: readonly unknown[],
  ): Promise<readonly Row[]> {
    return this.#database.query(sql, values)
  }

  /** All of `work`, or nothing. RingfenceErrors come out as they are. */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.#database.transaction(work)
  }

  close(): Promise<void> {
    return this.#close()
  }
}
