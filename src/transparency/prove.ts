import { nodeHash } from './merkle-hash.ts'

/** Finds the root of a complete subtree of 2^height leaves, the index-th of its height. */
export interface TreeNodes {
  node(height: number, index: number): Promise<Uint8Array>
}

/** The root of the tree's first `size` leaves. `size` is not 0. */
export function rootOf(nodes: TreeNodes, size: number): Promise<Uint8Array> {
  return rangeRoot(nodes, 0, size)
}

/**
 * RFC 9162, section 2.1.3.1: what shows that the leaf at `index` is in the tree of `size` leaves.
 * @throws RangeError when it is not
 */
export async function inclusionProof(
  nodes: TreeNodes,
  index: number,
  size: number,
): Promise<Uint8Array[]> {
  if (!(index >= 0 && index < size)) throw new RangeError('there is no such leaf')
  const path: Uint8Array[] = []
  let [from, to] = [0, size]
  while (to - from > 1) {
    const middle = from + split(to - from)
    if (index < middle) {
      path.push(await rangeRoot(nodes, middle, to))
      to = middle
    } else {
      path.push(await rangeRoot(nodes, from, middle))
      from = middle
    }
  }
  return path.reverse()
}

/**
 * RFC 9162, section 2.1.4.1: what shows that the tree of `older` leaves is the beginning of that of
 * `newer` leaves. Empty when `older` is 0 or both are the same.
 * @throws RangeError when the older one is larger
 */
export async function consistencyProof(
  nodes: TreeNodes,
  older: number,
  newer: number,
): Promise<Uint8Array[]> {
  if (!(older >= 0 && older <= newer)) throw new RangeError('the older tree is not the smaller one')
  if (older === 0 || older === newer) return []
  const path: Uint8Array[] = []
  let [from, to] = [0, newer]
  let isOldRoot = true
  while (older !== to) {
    const middle = from + split(to - from)
    if (older <= middle) {
      path.push(await rangeRoot(nodes, middle, to))
      to = middle
    } else {
      path.push(await rangeRoot(nodes, from, middle))
      from = middle
      isOldRoot = false
    }
  }
  if (!isOldRoot) path.push(await rangeRoot(nodes, from, to))
  return path.reverse()
}

/** The root over leaves `from` to `to`; `from` is where a subtree of that length may begin. */
async function rangeRoot(nodes: TreeNodes, from: number, to: number): Promise<Uint8Array> {
  const length = to - from
  const height = Math.log2(length)
  if (Number.isInteger(height) && 2 ** height === length) return nodes.node(height, from / length)
  const middle = from + split(length)
  return nodeHash(await rangeRoot(nodes, from, middle), await rangeRoot(nodes, middle, to))
}

/** The largest power of two below `length`, which is at least 2. */
function split(length: number): number {
  let power = 1
  while (power * 2 < length) power *= 2
  return power
}
