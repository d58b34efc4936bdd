import { isDeepStrictEqual } from 'node:util'
import { Rounds } from '../core/rounds.ts'
import type { TenantId } from '../core/tenant.ts'
import type { Database } from './database.ts'
import type { Realms } from './ports.ts'
import type { TenantChanges } from './tenant-changes.ts'
import { lockTenant, TENANT_COLUMNS, type TenantRow, tenantRowOf } from './tenant-row.ts'

/** An hour: a realm does not sign with a key before it was asked for its keys and their lead is over. */
const EVERY_MS = 3_600_000
const AGAIN_MS = 30_000
const PAGE = 500
const AT_ONCE = 4

export interface RealmRefreshParts {
  readonly database: Database
  readonly realms: Realms
  readonly changes: TenantChanges
  readonly log: (line: string) => void
  /** Milliseconds between two passes over all tenants. Default an hour. */
  readonly everyMs?: number
}

/**
 * Asks every realm now and then for its issuer and keys, and publishes what is new, so that gateways
 * know a realm's next key before it signs with it. Any control process may do it, at the same time too.
 */
export class RealmRefresh {
  readonly #parts: RealmRefreshParts
  readonly #rounds: Rounds

  constructor(parts: RealmRefreshParts) {
    this.#parts = parts
    const { log, everyMs = EVERY_MS } = parts
    const againMs = Math.min(AGAIN_MS, everyMs)
    this.#rounds = new Rounds({ what: 'realms', log, everyMs, againMs }, async () => {
      const changed = await this.refresh()
      if (changed > 0) log(`realms: new keys of ${changed} tenants are published`)
    })
  }

  start(): void {
    this.#rounds.start()
  }

  stop(): Promise<void> {
    return this.#rounds.stop()
  }

  /** One pass. Returns how many tenants' entries were changed. */
  async refresh(): Promise<number> {
    let changed = 0
    let after = ''
    for (;;) {
      const rows = await this.#parts.database.query(
        `select ${TENANT_COLUMNS} from registry.tenant
          where serving is not null and id > $1 order by id limit ${PAGE}`,
        [after],
      )
      const tenants = rows.map(tenantRowOf)
      const left = [...tenants]
      const work = async () => {
        for (let next = left.pop(); next !== undefined && !this.#rounds.ended; next = left.pop()) {
          if (await this.#refreshOne(next)) changed += 1
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, work))
      const last = tenants.at(-1)
      if (last === undefined || this.#rounds.ended) return changed
      after = last.id
    }
  }

  /** Of one tenant, at once. @throws RingfenceError `engine_unavailable` */
  async refreshTenant(tenant: TenantId): Promise<void> {
    const [row] = await this.#parts.database.query(
      `select ${TENANT_COLUMNS} from registry.tenant where serving is not null and id = $1`,
      [tenant],
    )
    if (row !== undefined) await this.#refreshOne(tenantRowOf(row))
  }

  async #refreshOne(seen: TenantRow): Promise<boolean> {
    const { database, realms, changes } = this.#parts
    const realm = await realms.find(seen.id)
    // It is being offboarded: its realm is not made again.
    if (realm === undefined) return false
    const { issuer, keys } = realm
    if (seen.issuer === issuer && isDeepStrictEqual(seen.keys, [...keys])) return false
    return database.transaction(async (tx) => {
      const row = await lockTenant(tx, seen.id)
      if (row.serving === null) return false
      const cause = { by: 'control', why: 'the realm has other keys', requestId: 'realm-refresh' }
      await changes.change(tx, row, { issuer, keys: [...keys] }, cause)
      return true
    })
  }
}
