import { hashOf, sealConfirmation, sealRecord } from '../../snapshot/seal.ts'
import { recordSchema, type SnapshotRecord, type TenantConfig } from '../../snapshot/snapshot.ts'
import type { OpenRecordStore } from '../../snapshot/snapshot-follower.ts'
import type { RecordStore } from '../../snapshot/record-store.ts'
import type { SigningKey } from '../../tokens/signing-key.ts'

export interface FeedEntry {
  readonly version: number
  readonly text: string
}

/** What a record says, and how it differs from the one that the control plane would make of it. */
export interface FeedChange {
  readonly platform?: SnapshotRecord['platform']
  readonly tenants?: readonly TenantConfig[]
  readonly removed?: readonly TenantConfig['id'][]
  /** Default: the platform's. */
  readonly key?: SigningKey
  /** Default: now. */
  readonly at?: Date
}

interface FeedBase extends FeedEntry {
  readonly parts: readonly string[]
}

/**
 * The control database as a follower sees it: a chain of signed records. Whoever has got hold of the
 * database may put anything in it, so attacks may too; only the platform's key they do not have.
 */
export class Feed implements RecordStore {
  entries: readonly FeedEntry[] = []
  base: FeedBase | undefined
  confirmation: string | undefined
  readonly #key: SigningKey
  readonly #listeners = new Set<() => void>()

  constructor(key: SigningKey) {
    this.#key = key
  }

  /** As followers open it. */
  get store(): OpenRecordStore {
    return async (onNews) => {
      this.#listeners.add(onNews)
      return this
    }
  }

  /** The next record of the chain as the control plane would sign it, with changes. Not in it yet. */
  async seal({ key = this.#key, at, ...change }: FeedChange): Promise<FeedEntry> {
    const last = this.entries.at(-1)
    const record = recordSchema.parse({
      kind: 'change',
      version: (last?.version ?? 0) + 1,
      issuedAt: (at ?? new Date()).toISOString(),
      previous: last === undefined ? '' : hashOf(last.text),
      tenants: [],
      removed: [],
      ...change,
    })
    return { version: record.version, text: await sealRecord(key, record) }
  }

  /** A base of the newest version, with one part. */
  async sealBase(
    settings: Pick<SnapshotRecord, 'platform'> & { readonly tenants: readonly TenantConfig[] },
  ): Promise<FeedBase> {
    const last = this.entries.at(-1)
    if (last === undefined) throw new TypeError('a base is of a version')
    const part = JSON.stringify(settings.tenants)
    const record = recordSchema.parse({
      kind: 'base',
      version: last.version,
      issuedAt: new Date().toISOString(),
      previous: hashOf(last.text),
      platform: settings.platform,
      tenants: [],
      removed: [],
      parts: [hashOf(part)],
    })
    return { version: last.version, text: await sealRecord(this.#key, record), parts: [part] }
  }

  /** Puts the next record in, and tells followers. */
  async publish(change: FeedChange): Promise<number> {
    const entry = await this.seal(change)
    this.offer([...this.entries, entry])
    return entry.version
  }

  /** Has the control plane say that the newest version was in force at a time. */
  async confirm(at: Date): Promise<void> {
    const last = this.entries.at(-1)
    if (last === undefined) return
    const { version, text } = last
    this.confirmation = await sealConfirmation(this.#key, {
      version,
      hash: hashOf(text),
      at: at.toISOString(),
    })
    this.tell()
  }

  /** What there is from now on, whatever there was. */
  offer(entries: readonly FeedEntry[]): void {
    this.entries = entries
    this.tell()
  }

  tell(): void {
    for (const listener of this.#listeners) listener()
  }

  async head() {
    const version = Math.max(this.entries.at(-1)?.version ?? 0, this.base?.version ?? 0)
    return { version, confirmation: this.confirmation }
  }

  async changesAfter(version: number): Promise<readonly FeedEntry[]> {
    return this.entries.filter((entry) => entry.version > version)
  }

  async baseAfter(version: number) {
    const { base } = this
    if (base === undefined || base.version <= version) return undefined
    return {
      version: base.version,
      text: base.text,
      async *parts() {
        yield* base.parts
      },
    }
  }

  async close(): Promise<void> {}
}
