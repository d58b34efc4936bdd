import { CompactRange } from './compact-range.ts'
import { EntryComparison } from './entry-comparison.ts'
import { decodeBundle } from './entry-bundle.ts'
import type { LogFinding } from './log-finding.ts'
import { EMPTY_ROOT, HASH_BYTES, leafHash, sameHash } from './merkle-hash.ts'
import type { TreeHead } from './merkle-proofs.ts'
import { TileAuthority } from './tile-authority.ts'
import type { ReadResource } from './tile-nodes.ts'
import { TILE_WIDTH, tilePath, widthAt } from './tile-path.ts'

export interface VerifyEntries {
  readonly read: ReadResource
  readonly head: TreeHead
  /** A tree head that the log has signed before. */
  readonly since?: TreeHead
  /** Told of every entry, in order, as it stands there. */
  readonly onEntry?: (entry: Uint8Array, index: number) => void
  /** Told how many entries have been read. */
  readonly onProgress?: (entries: number) => void
}

/** Entries that may differ before they are not told apart one by one any more, but tile by tile. */
const COMPARED_MAX = 500_000

/**
 * Verifies all entries and hash tiles of a log against a signed tree head, and says which of them are
 * not what was signed. It believes nothing but the head.
 */
export async function verifyEntries(options: VerifyEntries): Promise<LogFinding[]> {
  const { read, head, since } = options
  const authority = await TileAuthority.open(read, head)
  const comparison = new EntryComparison(COMPARED_MAX)
  const entries = CompactRange.empty()
  const hashes = CompactRange.empty()
  const roots = { entries: emptyAt(since), hashes: emptyAt(since) }
  for (let bundle = 0; bundle * TILE_WIDTH < head.size; bundle += 1) {
    const width = widthAt('entries', bundle, head.size)
    const first = bundle * TILE_WIDTH
    const { hashes: tile, root, isVouchedFor } = await authority.tile(0, bundle)
    const found = await readEntries(read, bundle, width)
    for (const [n, entry] of found.entries()) options.onEntry?.(entry, first + n)
    const leaves = found.map(leafHash)
    append(entries, leaves, since, (known) => (roots.entries = known))
    const signed = tile === undefined ? [] : split(tile)
    append(hashes, signed, since, (known) => (roots.hashes = known))
    comparison.add({ first, width, signed, leaves, root, isVouchedFor })
    options.onProgress?.(Math.min(first + TILE_WIDTH, head.size))
  }
  const areEntriesSigned = entries.size === head.size && sameHash(entries.root(), head.root)
  const areHashesSigned = hashes.size === head.size && sameHash(hashes.root(), head.root)
  const findings = areEntriesSigned
    ? tileFindings(comparison, authority)
    : [...comparison.findings(head.size, areHashesSigned), ...authority.findings]
  if (!areEntriesSigned && findings.length === 0) {
    findings.push({ kind: 'rewritten', index: 0, count: head.size })
  }
  return [...findings, ...sinceFindings(options, areEntriesSigned, roots)]
}

/** All entries are as signed: what differs are hashes beside them. */
function tileFindings(comparison: EntryComparison, authority: TileAuthority): LogFinding[] {
  const known = new Set(authority.findings.map((one) => (one.kind === 'tile' ? one.path : '')))
  const paths = comparison.differingTiles().filter((path) => !known.has(path))
  const findings: LogFinding[] = paths.map((path) => ({ kind: 'tile', path }))
  if (!authority.edgeHolds && findings.length === 0) {
    findings.push({ kind: 'tile', path: 'tile/*, at the right edge of the tree' })
  }
  return [...authority.findings, ...findings]
}

function sinceFindings(
  { head, since }: VerifyEntries,
  areEntriesSigned: boolean,
  roots: { entries: Uint8Array | undefined; hashes: Uint8Array | undefined },
): LogFinding[] {
  if (since === undefined) return []
  if (since.size > head.size) {
    return [{ kind: 'truncated', index: head.size, count: since.size - head.size }]
  }
  const isSame = (root: Uint8Array | undefined) => root !== undefined && sameHash(root, since.root)
  const continues =
    since.size === head.size
      ? sameHash(since.root, head.root)
      : isSame(roots.entries) || (!areEntriesSigned && isSame(roots.hashes))
  return continues ? [] : [{ kind: 'forked', count: since.size }]
}

const emptyAt = (since: TreeHead | undefined) => (since?.size === 0 ? EMPTY_ROOT : undefined)

function append(
  range: CompactRange,
  leaves: readonly Uint8Array[],
  since: TreeHead | undefined,
  reached: (root: Uint8Array) => void,
): void {
  for (const leaf of leaves) {
    range.append(leaf)
    if (range.size === since?.size) reached(range.root())
  }
}

async function readEntries(read: ReadResource, index: number, width: number) {
  const partial = await read(tilePath({ level: 'entries', index, width }))
  if (partial !== undefined) return decodeBundle(partial) ?? []
  if (width === TILE_WIDTH) return []
  // The log has grown since, and the full bundle has taken the partial one's place.
  const full = await read(tilePath({ level: 'entries', index, width: TILE_WIDTH }))
  return full === undefined ? [] : (decodeBundle(full) ?? []).slice(0, width)
}

function split(tile: Uint8Array): Uint8Array[] {
  const hashes: Uint8Array[] = []
  for (let at = 0; at < tile.length; at += HASH_BYTES)
    hashes.push(tile.subarray(at, at + HASH_BYTES))
  return hashes
}
