import { RingfenceError } from '../../core/errors.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { FollowerOptions } from '../../snapshot/snapshot-follower.ts'
import { hashOf, openConfirmation, openRecord } from '../../snapshot/seal.ts'
import {
  type Configuration,
  type ConfigurationSource,
  confirmationSchema,
  partSchema,
  type PlatformConfig,
  recordSchema,
  type SnapshotRecord,
  type TenantConfig,
} from '../../snapshot/snapshot.ts'
import type { RecordStore } from '../../snapshot/record-store.ts'
import { openDocument } from '../../tokens/signed-document.ts'
import { KeySet } from '../../tokens/verify-token.ts'
import type { Follower } from '../house/pieces.ts'

/**
 * What a careless follower does not look at: who signed, what kind of document it is, that a record
 * follows the one before it, which parts a base names, that nothing is put back behind what was in
 * force, how old it is, and what is confirmed.
 */
export type FollowerCarelessness =
  | 'signature'
  | 'type'
  | 'chain'
  | 'parts'
  | 'rollback'
  | 'age'
  | 'confirmation'

const STALE_AFTER_MS = 86_400_000

interface Known {
  readonly version: number
  readonly hash: string
  readonly platform: PlatformConfig
  readonly tenants: ReadonlyMap<TenantId, TenantConfig>
  confirmedAt: Date
}

/**
 * A follower as people write them by hand, in memory, with one thing amiss, or none. It reads the
 * whole chain whenever there is news. Mutants put it in the place of `SnapshotFollower`.
 */
export class CarelessFollower implements Follower {
  readonly #amiss: FollowerCarelessness | undefined
  readonly #keys: KeySet
  readonly #report: (error: RingfenceError) => void
  readonly #listeners: Parameters<ConfigurationSource['onChange']>[0][] = []
  #known: Known | undefined
  #reading: Promise<void> = Promise.resolve()

  private constructor(options: FollowerOptions, amiss: FollowerCarelessness | undefined) {
    this.#amiss = amiss
    this.#keys = new KeySet(options.keys)
    this.#report = options.onTrouble ?? (() => undefined)
  }

  static async open(
    options: FollowerOptions,
    amiss?: FollowerCarelessness,
  ): Promise<CarelessFollower> {
    const { database } = options
    if (typeof database !== 'function') throw new TypeError('it follows a store that is given')
    const follower = new CarelessFollower(options, amiss)
    let store: RecordStore | undefined
    const read = () => {
      follower.#reading = follower.#reading.then(async () => {
        if (store !== undefined) await follower.#catchUp(store)
      })
    }
    store = await database(read)
    // After `open` has returned, so that whoever opened it hears of the first version too.
    setImmediate(read)
    return follower
  }

  current(): Configuration {
    const known = this.#known
    const age = Date.now() - (known?.confirmedAt.getTime() ?? 0)
    if (known === undefined || (this.#amiss !== 'age' && age > STALE_AFTER_MS)) {
      throw new RingfenceError('snapshot_stale', 'there is no configuration that is recent enough')
    }
    return viewOf(known)
  }

  onChange(listener: Parameters<ConfigurationSource['onChange']>[0]): void {
    this.#listeners.push(listener)
  }

  async close(): Promise<void> {
    await this.#reading
  }

  async #catchUp(store: RecordStore): Promise<void> {
    try {
      const { version, confirmation } = await store.head()
      const before = this.#known
      if (this.#amiss !== 'rollback' && version < (before?.version ?? 0)) throw refused('older')
      const next = (await this.#read(await store.changesAfter(0))) ?? (await this.#readBase(store))
      if (next === undefined) throw refused('nothing that begins with the first version')
      const offered = next.hashes.get(before?.version ?? 0)
      const another = before !== undefined && offered !== before.hash
      const protects = this.#amiss !== 'chain' && this.#amiss !== 'rollback'
      if (another && protects) throw refused('another history')
      const changed = new Set([...(before?.tenants.keys() ?? []), ...next.known.tenants.keys()])
      if (before !== undefined && before.confirmedAt > next.known.confirmedAt) {
        next.known.confirmedAt = before.confirmedAt
      }
      this.#known = next.known
      for (const listener of this.#listeners) listener([...changed], viewOf(next.known))
      if (confirmation !== undefined) await this.#confirm(confirmation, next.known)
    } catch (error) {
      this.#report(error instanceof RingfenceError ? error : refused('it cannot be read'))
    }
  }

  /** What a chain amounts to, as far as it has the first version in it. */
  async #read(entries: Awaited<ReturnType<RecordStore['changesAfter']>>) {
    let known: Known | undefined
    const hashes = new Map<number, string>()
    for (const { text } of entries) {
      const record = await this.#open(text)
      const follows = known === undefined ? record.version === 1 : follow(known, record)
      if (this.#amiss !== 'chain' && !follows) throw refused('it does not follow')
      const hash = hashOf(text)
      known = applied(known, record, hash)
      hashes.set(record.version, hash)
    }
    return known === undefined ? undefined : { known, hashes }
  }

  /** What a base amounts to, where there is no chain from the first version on. */
  async #readBase(store: RecordStore) {
    const base = await store.baseAfter(0)
    if (base === undefined) return undefined
    const record = await this.#open(base.text)
    if (record.kind !== 'base') throw refused('it is no base')
    const tenants: TenantConfig[] = []
    let read = 0
    for await (const part of base.parts()) {
      if (this.#amiss !== 'parts' && hashOf(part) !== record.parts[read]) throw refused('a part')
      read += 1
      tenants.push(...partSchema.parse(JSON.parse(part)))
    }
    if (read !== record.parts.length) throw refused('it has too few parts')
    const known = applied(undefined, { ...record, tenants }, record.previous)
    return { known, hashes: new Map([[record.version, record.previous]]) }
  }

  async #open(text: string): Promise<SnapshotRecord> {
    switch (this.#amiss) {
      case 'signature':
        return recordSchema.parse(payloadOf(text))
      case 'type':
        return recordSchema.parse(await openDocument(text, this.#keys, typeOf(text)))
      default:
        return openRecord(text, this.#keys)
    }
  }

  async #confirm(text: string, known: Known): Promise<void> {
    const word =
      this.#amiss === 'confirmation'
        ? confirmationSchema.parse(payloadOf(text))
        : await openConfirmation(text, this.#keys)
    const same = word.version === known.version && word.hash === known.hash
    if (this.#amiss !== 'confirmation' && !same) throw refused('something else is confirmed')
    known.confirmedAt = new Date(word.at)
  }
}

function follow(known: Known, record: SnapshotRecord): boolean {
  return record.version === known.version + 1 && record.previous === known.hash
}

function applied(before: Known | undefined, record: SnapshotRecord, hash: string): Known {
  const platform = record.platform ?? before?.platform
  if (platform === undefined) throw refused('it does not say what the platform is')
  const tenants = new Map(before?.tenants)
  for (const id of record.removed) tenants.delete(id)
  for (const tenant of record.tenants) tenants.set(tenant.id, tenant)
  const { version, issuedAt } = record
  return { version, hash, platform, tenants, confirmedAt: new Date(issuedAt) }
}

function viewOf({ version, confirmedAt, platform, tenants }: Known): Configuration {
  return {
    version,
    confirmedAt,
    platform,
    tenant: (id) => tenants.get(id),
    tenantOfHost: (host) => tenants.values().find(({ hosts }) => hosts.includes(host)),
    tenants: () => tenants.values() as IterableIterator<TenantConfig>,
  }
}

function typeOf(text: string): string {
  const header = JSON.parse(Buffer.from(text.split('.')[0] ?? '', 'base64url').toString()) as {
    readonly typ?: unknown
  }
  return String(header.typ)
}

function payloadOf(text: string): unknown {
  return JSON.parse(Buffer.from(text.split('.')[1] ?? '', 'base64url').toString())
}

function refused(why: string): RingfenceError {
  return new RingfenceError('snapshot_refused', `the configuration is refused: ${why}`)
}
