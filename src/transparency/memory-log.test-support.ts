import { formatCheckpoint } from './checkpoint.ts'
import { CompactRange } from './compact-range.ts'
import { encodeBundle } from './entry-bundle.ts'
import { leafHash } from './merkle-hash.ts'
import type { NoteSigner } from './note-signer.ts'
import { signNote } from './signed-note.ts'
import { TILE_WIDTH, tilePath, tilesOf } from './tile-path.ts'

/** A log in memory, as C2SP tlog-tiles lays it out: path to bytes. */
export type MemoryLog = Map<string, Uint8Array>

export const entriesOf = (size: number): Buffer[] =>
  Array.from({ length: size }, (_, n) => Buffer.from(`entry ${n}`))

export function memoryLog(
  entries: readonly Uint8Array[],
  ...signers: readonly [NoteSigner, ...NoteSigner[]]
): MemoryLog {
  const log: MemoryLog = new Map()
  const levels: Uint8Array[][] = []
  const range = CompactRange.empty()
  for (const entry of entries) {
    range.append(leafHash(entry), (height, _, hash) => {
      if (height % 8 === 0) (levels[height / 8] ??= []).push(hash)
    })
  }
  for (const tile of tilesOf(entries.length)) {
    const from = tile.index * TILE_WIDTH
    const row = (list: readonly Uint8Array[]) => list.slice(from, from + tile.width)
    const bytes =
      tile.level === 'entries'
        ? encodeBundle(row(entries))
        : Buffer.concat(row(levels[tile.level] ?? []))
    log.set(tilePath(tile), bytes)
  }
  const origin = signers[0].key.name
  const text = formatCheckpoint({ origin, size: entries.length, root: range.root() })
  log.set('checkpoint', Buffer.from(signNote(text, signers)))
  return log
}

export const reading = (log: MemoryLog) => (path: string) => Promise.resolve(log.get(path))

/** RFC 9162, section 2.1.1, as it is written there. */
export function naiveRoot(leaves: readonly Uint8Array[], node: NodeHash, empty: Uint8Array) {
  const root = (row: readonly Uint8Array[]): Uint8Array => {
    if (row.length <= 1) return row[0] ?? empty
    let split = 1
    while (split * 2 < row.length) split *= 2
    return node(root(row.slice(0, split)), root(row.slice(split)))
  }
  return root(leaves)
}
type NodeHash = (left: Uint8Array, right: Uint8Array) => Uint8Array
