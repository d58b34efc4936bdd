import pg from 'pg'
import { RingfenceError } from '../../../core/errors.ts'
import { clientConfig, ident, inTransaction, literal, type Settings } from '../connection.ts'
import type { Application } from '../manifest.ts'
import type { TenantKey } from '../names.ts'
import { type MoveTable, moveTables, sameTables } from './move-tables.ts'

/** One end of a move: a database, and the tenant's key in it. */
export interface End {
  /** The administrator, on that database. */
  readonly admin: Settings
  readonly key: TenantKey
}

/** What is read from the source in one snapshot. */
export interface Reading {
  /** The oldest transaction that this snapshot may not see. Each older one has ended. */
  readonly horizon: bigint
  /** One past the newest transaction that this snapshot sees. */
  readonly next: bigint
}

/**
 * Neither triggers nor the order of foreign keys are of interest: rows are copied as they are. The
 * guard's event triggers sleep, too. Both ends print values in one and the same way.
 */
const settings = (schema: string) => `
  set session_replication_role = replica;
  set statement_timeout = 0;
  set idle_in_transaction_session_timeout = 0;
  set datestyle = 'ISO, YMD';
  set intervalstyle = 'postgres';
  set timezone = 'UTC';
  set extra_float_digits = 3;
  set bytea_output = 'hex';
  set lc_monetary = 'C';
  set jit = off;
  set search_path = ${ident(schema)}, pg_catalog`

/** Two connections, one to each end of a move, for one call of the mover's. */
export class Transfer {
  readonly source: pg.Client
  readonly target: pg.Client
  readonly sourceKey: TenantKey
  readonly targetKey: TenantKey
  readonly application: Application
  readonly tables: readonly MoveTable[]

  private constructor(
    source: pg.Client,
    target: pg.Client,
    keys: readonly [TenantKey, TenantKey],
    application: Application,
    tables: readonly MoveTable[],
  ) {
    this.source = source
    this.target = target
    this.sourceKey = keys[0]
    this.targetKey = keys[1]
    this.application = application
    this.tables = tables
  }

  /** @throws RingfenceError `engine_unavailable`, `move_failed` when the tables differ */
  static async between<T>(
    from: End,
    to: End,
    application: Application,
    work: (transfer: Transfer) => Promise<T>,
  ): Promise<T> {
    const clients = [from, to].map(
      ({ admin }) => new pg.Client(clientConfig(admin, 'ringfence-move')),
    )
    const [source, target] = clients
    if (source === undefined || target === undefined) throw new TypeError('a move has two ends')
    for (const client of clients) client.on('error', () => {})
    try {
      await Promise.all(clients.map(connect))
      await Promise.all(clients.map((client) => client.query(settings(application.schema))))
      const [here, there] = await Promise.all([
        moveTables(source, application),
        moveTables(target, application),
      ])
      const tables = sameTables(here, there)
      return await work(new Transfer(source, target, [from.key, to.key], application, tables))
    } finally {
      await Promise.all(clients.map((client) => client.end().catch(() => {})))
    }
  }

  /** Reads the source as of one moment, while everybody works on. */
  async reading<T>(work: (reading: Reading) => Promise<T>): Promise<T> {
    await this.source.query('begin isolation level repeatable read read only')
    try {
      const { rows } = await this.source.query<{ horizon: string; next: string }>(
        `select pg_snapshot_xmin(s)::text as horizon, pg_snapshot_xmax(s)::text as next
         from pg_current_snapshot() s`,
      )
      const { horizon = '', next = '' } = rows[0] ?? {}
      return await work({ horizon: BigInt(horizon), next: BigInt(next) })
    } finally {
      await this.source.query('rollback').catch(() => {})
    }
  }

  /** Writes to the target, all or nothing. */
  writing<T>(work: () => Promise<T>): Promise<T> {
    return inTransaction(this.target, work)
  }

  /** An SQL condition: the tenant's rows at the source. */
  isSource(table: MoveTable): string {
    return `${table.tenantColumn} = ${literal(this.sourceKey)}`
  }

  /** The same in the target. `alias` is the table's with a dot, or nothing. */
  isTarget(table: MoveTable, alias = ''): string {
    return `${alias}${table.tenantColumn} = ${literal(this.targetKey)}`
  }
}

async function connect(client: pg.Client): Promise<void> {
  try {
    await client.connect()
  } catch (error) {
    throw new RingfenceError('engine_unavailable', 'the database server cannot be reached', {
      cause: error,
    })
  }
}
