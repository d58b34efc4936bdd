import { isDeepStrictEqual } from 'node:util'
import { publishChange } from '../snapshot/publish.ts'
import type { PlatformConfig } from '../snapshot/snapshot.ts'
import type { SigningKey } from '../tokens/signing-key.ts'
import { plansOf } from './plan-row.ts'
import type { Database, Tx } from './database.ts'
import { readSetting, writeSetting } from './settings.ts'

const SETTING = 'platform'

/** The part of the platform's configuration that the operator's manifest gives. */
export type PlatformBase = Omit<PlatformConfig, 'plans' | 'jobKeys'>

/** Publishes what the platform is, whenever that is something else than before. */
export class PlatformPublisher {
  readonly #base: PlatformBase
  readonly #snapshotKey: SigningKey
  readonly #jobKey: SigningKey

  constructor(base: PlatformBase, snapshotKey: SigningKey, jobKey: SigningKey) {
    this.#base = base
    this.#snapshotKey = snapshotKey
    this.#jobKey = jobKey
  }

  async publishNow(database: Database): Promise<void> {
    await database.transaction((tx) => this.publish(tx))
  }

  /** Publishing comes last in the transaction. */
  async publish(tx: Tx): Promise<void> {
    // Two processes that publish at once would each take the other's for the present one.
    await tx.query(`select from registry.setting where name = 'platform-lock' for update`)
    const plans = await plansOf(tx)
    const platform: PlatformConfig = {
      ...this.#base,
      jobKeys: [this.#jobKey.publicJwk],
      plans: plans.map(({ name, requestsPerMinute, leasesPerMinute, leaseSecondsMax }) => ({
        name,
        requestsPerMinute,
        leasesPerMinute,
        leaseSecondsMax,
      })),
    }
    const plain: unknown = JSON.parse(JSON.stringify(platform))
    if (isDeepStrictEqual(await readSetting(tx, SETTING), plain)) return
    await writeSetting(tx, SETTING, plain)
    await publishChange(tx.client, this.#snapshotKey, { platform, tenants: [], removed: [] })
  }
}
