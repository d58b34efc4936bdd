import { z } from 'zod'
import { messageOf } from '../core/errors.ts'
import { parsed } from '../core/parsed.ts'
import { parseTenantId } from '../core/tenant.ts'
import type { SigningKey } from '../tokens/signing-key.ts'
import type { Database } from './database.ts'
import { publishDeclared } from './manifests/publish-declared.ts'
import type { PlatformPublisher } from './platform-publisher.ts'
import { Rounds } from './rounds.ts'
import { lockTenant } from './tenant-row.ts'

const EVERY_MS = 1_000
const AGAIN_MS = 5_000
const AT_ONCE = 100

export interface ChangedTenantsParts {
  readonly database: Database
  readonly publisher: PlatformPublisher
  readonly snapshotKey: SigningKey
  readonly log: (line: string) => void
  /** Milliseconds between two looks. Default a second. */
  readonly everyMs?: number
}

/** Where the records plane names tenants of whom it has said something that is not yet published. */
const CHANGES = ['registry.spent_quota_change', 'registry.grant_restraint_change'] as const

/**
 * Publishes what billing says of quotas and detectors of grants, so that gateways know it. Any control
 * process may do it.
 */
export class ChangedTenants {
  readonly #parts: ChangedTenantsParts
  readonly #rounds = new Rounds(() => this.#round())

  constructor(parts: ChangedTenantsParts) {
    this.#parts = parts
  }

  start(): void {
    this.#rounds.start()
  }

  stop(): Promise<void> {
    return this.#rounds.stop()
  }

  /** Returns of how many tenants something new was said. */
  async publish(): Promise<number> {
    const { database, publisher, snapshotKey } = this.#parts
    const rows = await database.query(
      `${CHANGES.map((table) => `select tenant from ${table}`).join(' union ')}
        order by tenant limit $1`,
      [AT_ONCE],
    )
    const tenants = z.array(z.object({ tenant: parsed(parseTenantId) })).parse(rows)
    for (const { tenant } of tenants) {
      await database.transaction(async (tx) => {
        await lockTenant(tx, tenant)
        for (const table of CHANGES) {
          await tx.query(`delete from ${table} where tenant = $1`, [tenant])
        }
        await publishDeclared(tx, { platform: false, tenants: [tenant] }, publisher, snapshotKey)
      })
    }
    return tenants.length
  }

  async #round(): Promise<number> {
    const { everyMs = EVERY_MS, log } = this.#parts
    try {
      await this.publish()
      return everyMs
    } catch (error) {
      log(`changed tenants: ${messageOf(error)}`)
      return Math.max(AGAIN_MS, everyMs)
    }
  }
}
