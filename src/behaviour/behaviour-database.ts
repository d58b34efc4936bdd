import pg from 'pg'
import { RingfenceError } from '../core/errors.ts'
import { PooledDatabase } from '../database/pooled-database.ts'
import { prepareSchema } from '../database/prepare-schema.ts'
import { usableOrNot } from '../database/server-errors.ts'
import { BEHAVIOUR_MIGRATIONS } from './migrations.ts'

/** Serialises preparing processes. The number is "beha" in ASCII. */
const PREPARE_LOCK = 0x62656861
const STATEMENT_MS = 30_000

/** Of data, of constraints, of what it lets nobody do: the same again is refused again. */
const REFUSED = /^(?:22|23|42501|54000)/

const unavailable = usableOrNot('the records database')

/** The control database as the records plane's role sees it: schema `behaviour`, and what may be done. */
export class BehaviourDatabase extends PooledDatabase {
  private constructor(settings: pg.ClientConfig) {
    super(settings, {
      applicationName: 'ringfence-behaviour',
      connections: 2,
      connectMs: STATEMENT_MS,
      statementMs: STATEMENT_MS,
      errorsOf,
    })
  }

  /** Opens it and brings its tables up to date. @throws RingfenceError `engine_unavailable` */
  static async open(settings: pg.ClientConfig): Promise<BehaviourDatabase> {
    const database = new BehaviourDatabase(settings)
    try {
      const tables = { schema: 'behaviour', steps: BEHAVIOUR_MIGRATIONS, lock: PREPARE_LOCK }
      await prepareSchema(database.settings, tables, errorsOf)
      return database
    } catch (error) {
      await database.close()
      throw error
    }
  }
}

function errorsOf(error: unknown): RingfenceError {
  if (error instanceof pg.DatabaseError && REFUSED.test(error.code ?? '')) {
    return new RingfenceError('invalid_argument', 'the database refuses it', {
      detail: error.message,
      cause: error,
    })
  }
  return unavailable(error)
}
