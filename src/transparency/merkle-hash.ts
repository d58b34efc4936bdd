import { hash } from 'node:crypto'

export const HASH_BYTES = 32

const LEAF = Buffer.of(0)
const NODE = Buffer.of(1)
/** Two subtrees' hashes, for as long as they are hashed: nothing is allocated for each pair. */
const pair = Buffer.alloc(1 + 2 * HASH_BYTES, NODE)

/** The root of the tree without leaves (RFC 9162, section 2.1.1). */
export const EMPTY_ROOT: Uint8Array = hash('sha256', '', 'buffer')

/** RFC 9162, section 2.1.1: the hash of an entry. */
export function leafHash(entry: Uint8Array): Buffer {
  return hash('sha256', Buffer.concat([LEAF, entry]), 'buffer')
}

/** RFC 9162, section 2.1.1: the hash of two subtrees. The order is that of their leaves. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  if (left.length !== HASH_BYTES || right.length !== HASH_BYTES) {
    return hash('sha256', Buffer.concat([NODE, left, right]), 'buffer')
  }
  pair.set(left, 1)
  pair.set(right, 1 + HASH_BYTES)
  return hash('sha256', pair, 'buffer')
}

/** Whether two hashes are the same. They are public: the time that it takes tells nothing. */
export function sameHash(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0
}
