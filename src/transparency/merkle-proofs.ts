import { nodeHash, sameHash } from './merkle-hash.ts'

export interface InclusionClaim {
  /** The leaf's place, from 0. */
  readonly index: number
  readonly size: number
  readonly leafHash: Uint8Array
  readonly root: Uint8Array
}

const isSize = (value: number) => Number.isSafeInteger(value) && value >= 0
const half = (value: number) => Math.floor(value / 2)
const isOdd = (value: number) => value % 2 === 1

/** RFC 9162, section 2.1.3.2: whether the path shows that the leaf is in the tree at its place. */
export function verifyInclusion(claim: InclusionClaim, path: readonly Uint8Array[]): boolean {
  if (!isSize(claim.size) || !isSize(claim.index) || claim.index >= claim.size) return false
  let [node, last] = [claim.index, claim.size - 1]
  let root = claim.leafHash
  for (const hash of path) {
    if (last === 0) return false
    if (isOdd(node) || node === last) {
      root = nodeHash(hash, root)
      while (!isOdd(node) && node !== 0) [node, last] = [half(node), half(last)]
    } else {
      root = nodeHash(root, hash)
    }
    ;[node, last] = [half(node), half(last)]
  }
  return last === 0 && sameHash(root, claim.root)
}

export interface TreeHead {
  readonly size: number
  readonly root: Uint8Array
}

/**
 * RFC 9162, section 2.1.4.2: whether the path shows that the older tree is the beginning of the newer
 * one. Any tree begins with the empty one, which needs no path.
 */
export function verifyConsistency(
  older: TreeHead,
  newer: TreeHead,
  path: readonly Uint8Array[],
): boolean {
  if (!isSize(older.size) || !isSize(newer.size) || older.size > newer.size) return false
  if (older.size === 0) return path.length === 0
  if (older.size === newer.size) return path.length === 0 && sameHash(older.root, newer.root)
  if (path.length === 0) return false
  let [node, last] = [older.size - 1, newer.size - 1]
  while (isOdd(node)) [node, last] = [half(node), half(last)]
  // The older tree is a complete subtree: its root is where the path begins.
  const [first, ...rest] = node === 0 ? [older.root, ...path] : path
  let [oldRoot, newRoot] = [first ?? older.root, first ?? older.root]
  for (const hash of rest) {
    if (last === 0) return false
    if (isOdd(node) || node === last) {
      oldRoot = nodeHash(hash, oldRoot)
      newRoot = nodeHash(hash, newRoot)
      while (!isOdd(node) && node !== 0) [node, last] = [half(node), half(last)]
    } else {
      newRoot = nodeHash(newRoot, hash)
    }
    ;[node, last] = [half(node), half(last)]
  }
  return last === 0 && sameHash(oldRoot, older.root) && sameHash(newRoot, newer.root)
}
