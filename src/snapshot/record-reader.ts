import type { KeySet } from '../tokens/verify-token.ts'
import { hashOf, openRecord, refused } from './seal.ts'
import { partSchema, type TenantConfig } from './snapshot.ts'
import { SnapshotState } from './state.ts'

/** Takes records in order and knows what they amount to. */
export class RecordReader {
  state: SnapshotState | undefined
  readonly #keys: KeySet
  #parts: readonly string[] = []

  constructor(keys: KeySet) {
    this.#keys = keys
  }

  /** False in the middle of a base. */
  get complete(): boolean {
    return this.#parts.length === 0
  }

  /** @throws RingfenceError `snapshot_refused` */
  async take(text: string): Promise<void> {
    const [part, ...rest] = this.#parts
    if (part !== undefined) {
      this.state?.addPart(openPart(text, part))
      this.#parts = rest
      return
    }
    const record = await openRecord(text, this.#keys)
    if (this.state !== undefined) this.state.apply(record, hashOf(text))
    else if (record.kind === 'change') this.state = SnapshotState.first(record, hashOf(text))
    else {
      this.state = SnapshotState.ofBase(record)
      this.#parts = record.parts
    }
  }
}

/** @throws RingfenceError `snapshot_refused` */
function openPart(text: string, hash: string): readonly TenantConfig[] {
  if (hashOf(text) !== hash) throw refused('a part is not the one that its base names')
  const part = partSchema.safeParse(JSON.parse(text))
  if (!part.success) throw refused('a part is of another form', part.error)
  return part.data
}
