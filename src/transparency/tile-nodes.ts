import { LRUCache } from 'lru-cache'
import { RingfenceError } from '../core/errors.ts'
import { HASH_BYTES, nodeHash } from './merkle-hash.ts'
import type { TreeNodes } from './prove.ts'
import { TILE_WIDTH, tilePath, widthAt } from './tile-path.ts'

/** Finds what stands at a path below a log's prefix; undefined when nothing does. */
export type ReadResource = (path: string) => Promise<Uint8Array | undefined>

const TILE_HEIGHT = 8
/** 8 KiB each. */
const TILES_KEPT = 64

/** The nodes of a tree of `size` leaves, from its tiles. They are as the tiles say: nothing is verified. */
export class TileNodes implements TreeNodes {
  readonly #read: ReadResource
  readonly #size: number
  readonly #tiles = new LRUCache<string, Uint8Array>({ max: TILES_KEPT })

  constructor(read: ReadResource, size: number) {
    this.#read = read
    this.#size = size
  }

  /** @throws RingfenceError `not_found` when a tile is not there or too short */
  async node(height: number, index: number): Promise<Uint8Array> {
    const level = Math.floor(height / TILE_HEIGHT)
    const count = 2 ** (height % TILE_HEIGHT)
    const first = index * count
    const tile = await this.tile(level, Math.floor(first / TILE_WIDTH))
    const from = (first % TILE_WIDTH) * HASH_BYTES
    const hashes = tile.subarray(from, from + count * HASH_BYTES)
    if (hashes.length < count * HASH_BYTES) throw missing(`tile/${level}`)
    return foldHashes(hashes)
  }

  /** A tile's hashes, as many as a tree of this size has in it. @throws RingfenceError `not_found` */
  async tile(level: number, index: number): Promise<Uint8Array> {
    const width = widthAt(level, index, this.#size)
    const path = tilePath({ level, index, width })
    const known = this.#tiles.get(path)
    if (known !== undefined) return known
    const hashes = await readHashes(this.#read, { level, index, width })
    if (hashes === undefined || width === 0) throw missing(path)
    this.#tiles.set(path, hashes)
    return hashes
  }
}

/**
 * A tile's hashes; of a partial tile also from the full one that has taken its place. Undefined when it
 * is not there, or has another length than it must have.
 */
export async function readHashes(
  read: ReadResource,
  tile: { readonly level: number; readonly index: number; readonly width: number },
): Promise<Uint8Array | undefined> {
  const found = await read(tilePath(tile))
  if (found !== undefined) return found.length === tile.width * HASH_BYTES ? found : undefined
  if (tile.width === TILE_WIDTH) return undefined
  const full = await read(tilePath({ ...tile, width: TILE_WIDTH }))
  return full?.length === TILE_WIDTH * HASH_BYTES
    ? full.subarray(0, tile.width * HASH_BYTES)
    : undefined
}

/** The root over hashes whose number is a power of two. */
export function foldHashes(hashes: Uint8Array): Uint8Array {
  let row = hashes
  while (row.length > HASH_BYTES) {
    const next: Uint8Array[] = []
    for (let at = 0; at < row.length; at += 2 * HASH_BYTES) {
      const middle = at + HASH_BYTES
      next.push(nodeHash(row.subarray(at, middle), row.subarray(middle, middle + HASH_BYTES)))
    }
    row = Buffer.concat(next)
  }
  return row
}

const missing = (path: string) => new RingfenceError('not_found', `the log has no ${path}`)
