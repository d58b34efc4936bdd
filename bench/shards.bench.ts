import { parseTenantId } from '../src/core/tenant.ts'
import { blastRadius } from '../src/upstreams/blast-radius.ts'
import { shardOf } from '../src/upstreams/shard.ts'
import type { Bench, Row } from './bench.ts'

const SHAPES = [
  { servers: 8, size: 2 },
  { servers: 16, size: 3 },
  { servers: 64, size: 4 },
] as const
/** Tenants whose shards are brought down, one after another, for an average. */
const NOISY = 50

export const bench: Bench = {
  title: 'shards: tenants that one tenant can take everything from, as computed and as simulated',
  run({ quick, say }) {
    const rows: Row[] = []
    for (const { servers, size } of SHAPES) {
      const computed = blastRadius(servers, size).down
      for (const tenants of quick ? [10, 1_000] : [10, 100, 1_000, 10_000, 100_000]) {
        say(`${tenants} tenants over ${servers} servers, ${size} each`)
        const seen = simulate(tenants, servers, size)
        const named = `${tenants.toLocaleString('en')} tenants, ${size} of ${servers} servers`
        rows.push(
          { what: `${named}: computed`, unit: '% down', n: 1, p50: computed * 100 },
          { what: `${named}: simulated`, unit: '% down', n: tenants, p50: seen * 100 },
        )
      }
    }
    return Promise.resolve(rows)
  },
}

/** Share of the others that have no server left, on average over the tenants that go wrong. */
function simulate(tenants: number, count: number, size: number): number {
  const servers = Array.from({ length: count }, (_, n) => `http://server-${n}.example`)
  const shards = Array.from({ length: tenants }, (_, n) =>
    shardOf(servers, (url) => url, parseTenantId(`tenant-${n}`), size)
      .toSorted()
      .join(),
  )
  const equal = new Map<string, number>()
  for (const shard of shards) equal.set(shard, (equal.get(shard) ?? 0) + 1)
  const noisy = shards.slice(0, NOISY)
  const down = noisy.map((shard) => ((equal.get(shard) ?? 1) - 1) / (tenants - 1))
  return down.reduce((sum, share) => sum + share, 0) / noisy.length
}
