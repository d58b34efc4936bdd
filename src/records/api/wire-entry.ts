import type { AuditEntry } from '../../audit/entry.ts'
import type { EnteredEntry } from '../log/log-store.ts'

/** An entry as readers get it. `entry` is null when it was erased: its hash is still in the tree. */
export interface WireEntry {
  readonly index: number
  /** RFC 9162 leaf hash, in hexadecimal. */
  readonly leaf_hash: string
  readonly entry: AuditEntry | null
}

export function wireEntry({ index, leafHash, entry }: EnteredEntry): WireEntry {
  return { index, leaf_hash: Buffer.from(leafHash).toString('hex'), entry: entry ?? null }
}
