import { logOf } from '../../audit/entry.ts'
import { formatCheckpoint } from '../../transparency/checkpoint.ts'
import { CompactRange } from '../../transparency/compact-range.ts'
import { encodeBundle } from '../../transparency/entry-bundle.ts'
import { leafHash } from '../../transparency/merkle-hash.ts'
import { TILE_WIDTH, tilePath, tilesOf } from '../../transparency/tile-path.ts'
import type { VerifierKey } from '../../transparency/verifier-key.ts'
import { ORIGIN } from './ground.ts'
import type { Party } from './party.ts'
import type { Site } from './site.ts'
import { by, ownSigner } from './taken-log.ts'

/** A log of several tiles, as whoever keeps it has it. */
export interface LargeLog {
  readonly key: VerifierKey
  readonly entries: readonly Buffer[]
  /** From the leaves upwards. */
  readonly levels: readonly (readonly Uint8Array[])[]
  readonly files: ReadonlyMap<string, Buffer>
}

/** Three full tiles, and a fourth that has begun. */
export const SEVERAL_TILES = 3 * TILE_WIDTH + 10
const TILE_HEIGHT = 8

const made = new WeakMap<Site, Map<string, Promise<LargeLog>>>()

/** Of a party's log's own key and name, signed by it. It is made once. */
export function largeLog(site: Site, party: Party, size: number): Promise<LargeLog> {
  const known = made.get(site) ?? new Map<string, Promise<LargeLog>>()
  made.set(site, known)
  const name = `${party.tenant} ${size}`
  const found = known.get(name) ?? makeLog(site, party, size)
  known.set(name, found)
  return found
}

async function makeLog(site: Site, party: Party, size: number): Promise<LargeLog> {
  const signer = await ownSigner(site, party)
  const origin = `${ORIGIN}/${logOf(party.tenant)}`
  const entries = Array.from({ length: size }, (_, at) => Buffer.from(`${party.tenant} ${at}`))
  const { levels, root } = treeOf(entries)
  const text = formatCheckpoint({ origin, size, root })
  const files = filesOf(entries, levels)
  files.set('checkpoint', Buffer.from(by(signer)(text)))
  return { key: signer.key, entries, levels, files }
}

/** What stands in tiles of each level, from the leaves upwards, and what a checkpoint says of them. */
export function treeOf(entries: readonly Buffer[]) {
  const levels: Uint8Array[][] = []
  const range = CompactRange.empty()
  for (const entry of entries) {
    range.append(leafHash(entry), (height, _index, hash) => {
      if (height % TILE_HEIGHT === 0) (levels[height / TILE_HEIGHT] ??= []).push(hash)
    })
  }
  return { levels, root: range.root() }
}

/** All tiles and bundles. */
export function filesOf(
  entries: readonly Buffer[],
  levels: readonly (readonly Uint8Array[])[],
): Map<string, Buffer> {
  const files = new Map<string, Buffer>()
  for (const tile of tilesOf(entries.length)) {
    const from = tile.index * TILE_WIDTH
    const bytes =
      tile.level === 'entries'
        ? encodeBundle(entries.slice(from, from + tile.width))
        : Buffer.concat((levels[tile.level] ?? []).slice(from, from + tile.width))
    files.set(tilePath(tile), Buffer.from(bytes))
  }
  return files
}
