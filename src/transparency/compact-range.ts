import { EMPTY_ROOT, HASH_BYTES, nodeHash } from './merkle-hash.ts'

/** Told of each complete subtree, of 2^height leaves, as soon as its last leaf is there. */
export type NodeSink = (height: number, index: number, hash: Uint8Array) => void

/**
 * The least that must be kept of a Merkle tree so that leaves can be appended and its root told: the
 * roots of its complete subtrees, the largest first. At most 53 hashes.
 */
export class CompactRange {
  #size: number
  readonly #peaks: Uint8Array[]

  private constructor(size: number, peaks: Uint8Array[]) {
    this.#size = size
    this.#peaks = peaks
  }

  static empty(): CompactRange {
    return new CompactRange(0, [])
  }

  /** @throws TypeError when so many leaves have another number of peaks */
  static from(size: number, peaks: Uint8Array): CompactRange {
    if (!Number.isSafeInteger(size) || size < 0 || peaks.length !== peaksOf(size) * HASH_BYTES) {
      throw new TypeError('this is not the edge of a tree of that size')
    }
    const split = Array.from({ length: peaksOf(size) }, (_, n) =>
      Uint8Array.prototype.slice.call(peaks, n * HASH_BYTES, (n + 1) * HASH_BYTES),
    )
    return new CompactRange(size, split)
  }

  get size(): number {
    return this.#size
  }

  append(leaf: Uint8Array, sink?: NodeSink): void {
    let hash = leaf
    let height = 0
    let index = this.#size
    sink?.(height, index, hash)
    while (index % 2 === 1) {
      hash = nodeHash(this.#peaks.pop() ?? hash, hash)
      height += 1
      index = (index - 1) / 2
      sink?.(height, index, hash)
    }
    this.#peaks.push(hash)
    this.#size += 1
  }

  root(): Uint8Array {
    let root = this.#peaks.at(-1)
    if (root === undefined) return EMPTY_ROOT
    for (let n = this.#peaks.length - 2; n >= 0; n -= 1) {
      root = nodeHash(this.#peaks[n] ?? root, root)
    }
    return root
  }

  /** What `from` takes. */
  peaks(): Buffer {
    return Buffer.concat(this.#peaks)
  }
}

function peaksOf(size: number): number {
  let peaks = 0
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) peaks += rest % 2
  return peaks
}
