import { CompactRange } from './compact-range.ts'
import type { LogFinding } from './log-finding.ts'
import { HASH_BYTES, nodeHash, sameHash } from './merkle-hash.ts'
import type { TreeHead } from './merkle-proofs.ts'
import { foldHashes, type ReadResource, readHashes } from './tile-nodes.ts'
import { levelSize, TILE_WIDTH, tilePath, widthAt } from './tile-path.ts'

/** A hash tile, and whether the signed root vouches for it. */
export interface JudgedTile {
  /** Undefined when it is not there, or has not as many hashes as it must have. */
  readonly hashes: Uint8Array | undefined
  /** What its root must be, for a full tile below one that is vouched for. */
  readonly root: Uint8Array | undefined
  readonly isVouchedFor: boolean
}

/**
 * Judges a tree's tiles from the signed root downwards: a tile is vouched for when the one above it is
 * and holds its root. Asked for in order, it reads each tile once.
 */
export class TileAuthority {
  readonly #read: ReadResource
  readonly #head: TreeHead
  readonly #edge: boolean
  /** The last tile judged at each level. */
  readonly #last = new Map<number, { readonly index: number; readonly tile: JudgedTile }>()
  readonly findings: LogFinding[] = []

  private constructor(read: ReadResource, head: TreeHead, edge: boolean) {
    this.#read = read
    this.#head = head
    this.#edge = edge
  }

  static async open(read: ReadResource, head: TreeHead): Promise<TileAuthority> {
    const root = await edgeRoot(read, head.size)
    return new TileAuthority(read, head, root !== undefined && sameHash(root, head.root))
  }

  /** Whether the tiles at the right edge of the tree make the signed root. */
  get edgeHolds(): boolean {
    return this.#edge
  }

  async tile(level: number, index: number): Promise<JudgedTile> {
    const last = this.#last.get(level)
    if (last?.index === index) return last.tile
    const tile = await this.#judge(level, index)
    this.#last.set(level, { index, tile })
    return tile
  }

  async #judge(level: number, index: number): Promise<JudgedTile> {
    const width = widthAt(level, index, this.#head.size)
    const hashes = await readHashes(this.#read, { level, index, width })
    // A partial tile is at the edge, which was judged as a whole.
    if (width < TILE_WIDTH) return { hashes, root: undefined, isVouchedFor: this.#edge }
    const root = await this.#rootAbove(level, index)
    const isVouchedFor =
      hashes !== undefined && root !== undefined && sameHash(foldHashes(hashes), root)
    if (root !== undefined && !isVouchedFor && hashes !== undefined) {
      this.findings.push({ kind: 'tile', path: tilePath({ level, index, width }) })
    }
    return { hashes, root, isVouchedFor }
  }

  async #rootAbove(level: number, index: number): Promise<Uint8Array | undefined> {
    const above = await this.tile(level + 1, Math.floor(index / TILE_WIDTH))
    if (!above.isVouchedFor || above.hashes === undefined) return undefined
    const at = (index % TILE_WIDTH) * HASH_BYTES
    return above.hashes.subarray(at, at + HASH_BYTES)
  }
}

/** The root that the partial tiles at the right edge make; a full tile's root stands a level higher. */
async function edgeRoot(read: ReadResource, size: number): Promise<Uint8Array | undefined> {
  if (size === 0) return CompactRange.empty().root()
  let root: Uint8Array | undefined
  for (let level = 0; levelSize(level, size) > 0; level += 1) {
    const hashes = levelSize(level, size)
    const width = hashes % TILE_WIDTH
    if (width === 0) continue
    const tile = await readHashes(read, { level, index: Math.floor(hashes / TILE_WIDTH), width })
    if (tile === undefined) return undefined
    const range = CompactRange.empty()
    for (let at = 0; at < tile.length; at += HASH_BYTES) {
      range.append(tile.subarray(at, at + HASH_BYTES))
    }
    root = joined(range, root)
  }
  return root
}

/** Puts the root of what comes after them behind the complete subtrees of a tile. */
function joined(range: CompactRange, after: Uint8Array | undefined): Uint8Array {
  if (after === undefined) return range.root()
  const peaks = range.peaks()
  let root = after
  for (let at = peaks.length - HASH_BYTES; at >= 0; at -= HASH_BYTES) {
    root = nodeHash(peaks.subarray(at, at + HASH_BYTES), root)
  }
  return root
}
