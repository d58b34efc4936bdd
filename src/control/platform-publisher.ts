import { isDeepStrictEqual } from 'node:util'
import { publishChange } from '../snapshot/publish.ts'
import type { PlatformConfig } from '../snapshot/snapshot.ts'
import type { SigningKey } from '../tokens/signing-key.ts'
import { blockedNetworks } from './behaviour/blocked-networks.ts'
import type { Tx } from '../database/pooled-database.ts'
import type { Database } from './database.ts'
import { mergedPlatform, planExtras, platformParts } from './manifests/declared-parts.ts'
import { plansOf } from './plan-row.ts'
import { readSetting, writeSetting } from './settings.ts'

const SETTING = 'platform'

/** The part of the platform's configuration that the operator's manifest gives. */
export type PlatformBase = Omit<PlatformConfig, 'plans' | 'jobKeys' | 'blocked'>

/** Publishes what the platform is, whenever that is something else than before. */
export class PlatformPublisher {
  readonly base: PlatformBase
  readonly #snapshotKey: SigningKey
  readonly #jobKey: SigningKey

  constructor(base: PlatformBase, snapshotKey: SigningKey, jobKey: SigningKey) {
    this.base = base
    this.#snapshotKey = snapshotKey
    this.#jobKey = jobKey
  }

  async publishNow(database: Database): Promise<void> {
    await database.transaction((tx) => this.publish(tx))
  }

  /** Publishing comes last in the transaction. */
  async publish(tx: Tx): Promise<void> {
    const platform = await this.changed(tx)
    if (platform === undefined) return
    await publishChange(tx.client, this.#snapshotKey, { platform, tenants: [], removed: [] })
  }

  /** What the platform is now, for whoever publishes it; undefined when that is what is in force. */
  async changed(tx: Tx): Promise<PlatformConfig | undefined> {
    await lockPlatform(tx, 'update')
    const platform = await this.present(tx)
    const plain: unknown = JSON.parse(JSON.stringify(platform))
    if (isDeepStrictEqual(await readSetting(tx, SETTING), plain)) return undefined
    await writeSetting(tx, SETTING, plain)
    return platform
  }

  /** What the platform is by its settings, its plans, and what was applied. */
  async present(tx: Pick<Tx, 'query'>): Promise<PlatformConfig> {
    const plans = await plansOf(tx)
    const { declared, plans: applied } = await platformParts(tx)
    const blocked = await blockedNetworks(tx)
    return {
      ...this.base,
      ...mergedPlatform(this.base, declared),
      jobKeys: [this.#jobKey.publicJwk],
      ...(blocked.length === 0 ? {} : { blocked: [...blocked] }),
      plans: plans.map(({ name, requestsPerMinute, leasesPerMinute, leaseSecondsMax }) => ({
        name,
        requestsPerMinute,
        leasesPerMinute,
        leaseSecondsMax,
        ...planExtras(applied.get(name)),
      })),
    }
  }
}

/**
 * Keeps others from changing the platform until the transaction ends: two that publish at once would
 * each take the other's for the present one. `share`: what is declared now rests on what it is.
 */
export async function lockPlatform(tx: Tx, how: 'update' | 'share'): Promise<void> {
  await tx.query(`select from registry.setting where name = 'platform-lock' for ${how}`)
}
