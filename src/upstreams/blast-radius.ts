/** What of the other tenants a tenant can hurt who brings down every server of its own shard. */
export interface BlastRadius {
  /** Share of the others who lose `index` of their servers; the last entry: all of them. */
  readonly lost: readonly number[]
  /** Share of the others who have no server left. */
  readonly down: number
  /** The same without shards: everybody. */
  readonly without: 1
}

/**
 * The blast radius of a shard of `size` of `servers`, for tenants whose shards are drawn evenly: the
 * hypergeometric distribution of how many of its servers a second shard has in common with the first.
 * @throws RangeError unless 1 ≤ size ≤ servers
 */
export function blastRadius(servers: number, size: number): BlastRadius {
  if (!(Number.isInteger(servers) && Number.isInteger(size) && size >= 1 && size <= servers)) {
    throw new RangeError('a shard has 1 to as many servers as there are')
  }
  const all = choices(servers, size)
  const lost = Array.from(
    { length: size + 1 },
    (_, shared) => (choices(size, shared) * choices(servers - size, size - shared)) / all,
  )
  return { lost, down: lost[size] ?? 0, without: 1 }
}

/** n over k, as a float: exact to 15 digits, which is enough for shares. */
function choices(n: number, k: number): number {
  if (k < 0 || k > n) return 0
  let result = 1
  for (let i = 1; i <= Math.min(k, n - k); i += 1) result = (result * (n - i + 1)) / i
  return result
}
