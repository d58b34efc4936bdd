import { type DatabaseSettings, PooledDatabase } from '../../database/pooled-database.ts'
import { prepareSchema } from '../../database/prepare-schema.ts'
import { reachedOrNot } from '../../database/server-errors.ts'
import { BILLING_MIGRATIONS } from './migrations.ts'

const CONNECT_MS = 10_000
const STATEMENT_MS = 30_000
/** Serialises preparing processes. The number is "bill" in ASCII. */
const PREPARE_LOCK = 0x62696c6c

const errorsOf = reachedOrNot('the bills’ database')

/** The schema `billing`, as the records plane's role sees it: `engine_unavailable`, `timed_out`. */
export class BillingDatabase extends PooledDatabase {
  private constructor(settings: DatabaseSettings) {
    super(settings, {
      applicationName: 'ringfence-billing',
      connections: 6,
      connectMs: CONNECT_MS,
      statementMs: STATEMENT_MS,
      errorsOf,
    })
  }

  /** Opens it and brings its tables up to date. @throws RingfenceError `engine_unavailable` */
  static async open(settings: DatabaseSettings): Promise<BillingDatabase> {
    const database = new BillingDatabase(settings)
    try {
      const tables = { schema: 'billing', steps: BILLING_MIGRATIONS, lock: PREPARE_LOCK }
      await prepareSchema(database.settings, tables, errorsOf)
      return database
    } catch (error) {
      await database.close()
      throw error
    }
  }
}
