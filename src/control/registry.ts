import pg from 'pg'
import type { ConnectionSettings } from '../clusters/cluster.ts'
import { messageOf, RingfenceError } from '../core/errors.ts'
import {
  type CellName,
  parseCellName,
  parseRegion,
  parseTenantId,
  parseTier,
  type Tenant,
  type TenantId,
} from '../core/tenant.ts'
import { REGISTRY_MIGRATIONS } from './registry-migrations.ts'

/** A tenant's entry: what it is, where it lives, and whether it may be served. */
export interface TenantEntry extends Tenant {
  readonly cell: CellName
  readonly displayName: string
  readonly status: 'provisioning' | 'active'
}

/** Serialises migrating processes. The number is "regi" in ASCII. */
const MIGRATION_LOCK = 0x72656769

/** The control plane's record of tenants and their cells, in the control database. */
export class Registry {
  readonly #pool: pg.Pool

  private constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  /** Connects and brings the schema up to date. @throws RingfenceError `engine_unavailable` */
  static async open(settings: ConnectionSettings): Promise<Registry> {
    const pool = new pg.Pool({ ...settings, max: 4, connectionTimeoutMillis: 10_000 })
    pool.on('error', () => {})
    try {
      await migrate(pool)
    } catch (error) {
      await pool.end()
      throw new RingfenceError('engine_unavailable', 'the control database cannot be used', {
        detail: messageOf(error),
        cause: error,
      })
    }
    return new Registry(pool)
  }

  /**
   * Enters a tenant as `provisioning`, or finds it as it is.
   * @throws RingfenceError `invalid_argument` when it is there with another tier, region or cell.
   */
  async enter(tenant: Tenant, cell: CellName, displayName: string): Promise<TenantEntry> {
    await this.#pool.query(
      `insert into registry.tenant (id, tier, region, cell, display_name)
       values ($1, $2, $3, $4, $5) on conflict (id) do nothing`,
      [tenant.id, tenant.tier, tenant.region, cell, displayName],
    )
    const entry = await this.find(tenant.id)
    if (entry === undefined) throw new RingfenceError('internal', 'the tenant was not entered')
    if (entry.tier !== tenant.tier || entry.region !== tenant.region || entry.cell !== cell) {
      throw new RingfenceError(
        'invalid_argument',
        `${tenant.id} is registered as ${entry.tier} in ${entry.region}, cell ${entry.cell}`,
      )
    }
    return entry
  }

  async activate(tenant: TenantId): Promise<void> {
    await this.#pool.query(
      `update registry.tenant set status = 'active', changed_at = now() where id = $1`,
      [tenant],
    )
  }

  async find(tenant: TenantId): Promise<TenantEntry | undefined> {
    const { rows } = await this.#pool.query<Row>('select * from registry.tenant where id = $1', [
      tenant,
    ])
    return rows[0] === undefined ? undefined : entryOf(rows[0])
  }

  async list(): Promise<readonly TenantEntry[]> {
    const { rows } = await this.#pool.query<Row>('select * from registry.tenant order by id')
    return rows.map(entryOf)
  }

  async close(): Promise<void> {
    await this.#pool.end()
  }
}

interface Row {
  id: string
  tier: string
  region: string
  cell: string
  display_name: string
  status: TenantEntry['status']
}

function entryOf(row: Row): TenantEntry {
  return {
    id: parseTenantId(row.id),
    tier: parseTier(row.tier),
    region: parseRegion(row.region),
    cell: parseCellName(row.cell),
    displayName: row.display_name,
    status: row.status,
  }
}

async function migrate(pool: pg.Pool): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK])
    await client.query(`create schema if not exists registry;
      create table if not exists registry.migration (number int primary key, applied_at timestamptz not null default now())`)
    const { rows } = await client.query<{ number: number }>('select number from registry.migration')
    const done = new Set(rows.map((row) => row.number))
    for (const [index, sql] of REGISTRY_MIGRATIONS.entries()) {
      if (done.has(index + 1)) continue
      await client.query('begin')
      await client.query(sql)
      await client.query('insert into registry.migration (number) values ($1)', [index + 1])
      await client.query('commit')
    }
    await client.query('select pg_advisory_unlock($1)', [MIGRATION_LOCK])
    client.release()
  } catch (error) {
    // Closing the connection also rolls back and lets go of the lock.
    client.release(true)
    throw error
  }
}
