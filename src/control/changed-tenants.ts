import { z } from 'zod'
import { parsed } from '../core/parsed.ts'
import { Rounds } from '../core/rounds.ts'
import { parseTenantId } from '../core/tenant.ts'
import type { SigningKey } from '../tokens/signing-key.ts'
import type { Database } from './database.ts'
import { publishDeclared } from './manifests/publish-declared.ts'
import type { PlatformPublisher } from './platform-publisher.ts'
import { lockTenant } from './tenant-row.ts'

const EVERY_MS = 1_000
const AGAIN_MS = 5_000
const AT_ONCE = 100

export interface ChangedTenantsParts {
  readonly database: Database
  readonly publisher: PlatformPublisher
  readonly snapshotKey: SigningKey
  readonly log: (line: string) => void
}

/** Where the records plane names tenants of whom it has said something that is not yet published. */
const CHANGES = ['registry.spent_quota_change', 'registry.grant_restraint_change'] as const

/**
 * Publishes what billing says of quotas and detectors of grants, so that gateways know it. Any control
 * process may do it.
 */
export function changedTenants(parts: ChangedTenantsParts): Rounds {
  const { database, publisher, snapshotKey, log } = parts
  const times = { everyMs: EVERY_MS, againMs: AGAIN_MS }
  return new Rounds({ what: 'changed tenants', log, ...times }, async () => {
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
  })
}
