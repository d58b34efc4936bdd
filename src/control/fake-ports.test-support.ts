import pg from 'pg'
import { RingfenceError } from '../core/errors.ts'
import type { TenantId } from '../core/tenant.ts'
import type { PublicJwk } from '../tokens/signing-key.ts'
import type { DatabaseSettings } from '../database/pooled-database.ts'
import { FakeCell } from './fake-cell.test-support.ts'
import type { Ports, Realms } from './ports.ts'

/** Cells and realms whose state outlives the processes that use them. */
export interface FakePorts extends Ports {
  close(): Promise<void>
}

const KEY: PublicJwk = { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43), kid: 'fake', alg: 'EdDSA' }

/** Realms of an identity plane that is a table. */
class FakeRealms implements Realms {
  readonly #pool: pg.Pool

  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  async ensure(tenant: TenantId) {
    const issuer = `https://id.example.test/realms/${tenant}`
    await this.#pool.query(
      `insert into fake.realm (tenant, issuer, open) values ($1, $2, false) on conflict do nothing`,
      [tenant, issuer],
    )
    return { issuer, keys: [KEY] }
  }

  async find(tenant: TenantId) {
    const { rows } = await this.#pool.query<{ issuer: string; kid: string }>(
      'select issuer, kid from fake.realm where tenant = $1',
      [tenant],
    )
    return rows[0] && { issuer: rows[0].issuer, keys: [{ ...KEY, kid: rows[0].kid }] }
  }

  async setOpen(tenant: TenantId, open: boolean) {
    const { rowCount } = await this.#pool.query(
      'update fake.realm set open = $2 where tenant = $1',
      [tenant, open],
    )
    if (rowCount === 0) throw new RingfenceError('not_found', 'no such realm')
  }

  async rotateKeys(tenant: TenantId) {
    await this.#pool.query(`update fake.realm set kid = kid || '-next' where tenant = $1`, [tenant])
  }

  async remove(tenant: TenantId) {
    await this.#pool.query('delete from fake.realm where tenant = $1', [tenant])
  }
}

export function fakePorts(settings: DatabaseSettings, cells: readonly string[]): FakePorts {
  const boundaries = new Map(cells.map((cell) => [cell, new FakeCell(cell, settings)]))
  const pool = new pg.Pool({ ...settings, max: 4 })
  pool.on('error', () => {})
  return {
    cells: {
      boundaries: async (cell) => {
        const boundary = boundaries.get(cell)
        if (boundary === undefined) {
          throw new RingfenceError('engine_unavailable', 'the cell is not known')
        }
        return [boundary]
      },
    },
    realms: new FakeRealms(pool),
    close: async () => {
      await Promise.all([...boundaries.values()].map((boundary) => boundary.close()))
      await pool.end()
    },
  }
}
