import { readFileSync } from 'node:fs'
import { SnapshotFollower } from '../../src/snapshot/snapshot-follower.ts'
import type { PublicJwk } from '../../src/tokens/signing-key.ts'

/** A process of its own, for its memory: loads a snapshot from disk and says what that took. */
const { directory, keys } = JSON.parse(readFileSync(0, 'utf8')) as {
  readonly directory: string
  readonly keys: readonly PublicJwk[]
}
const MIB = 2 ** 20
const memory = () => {
  globalThis.gc?.()
  const { heapUsed, external, rss } = process.memoryUsage()
  return { heap: (heapUsed + external) / MIB, rss: rss / MIB }
}
const before = memory()
const began = performance.now()
const follower = await SnapshotFollower.open({
  directory,
  keys,
  // Nobody listens there: from disk alone.
  database: { host: '127.0.0.1', port: 1 },
})
const milliseconds = performance.now() - began
const tenants = [...follower.current().tenants()].length
const after = memory()
console.log(
  JSON.stringify({ milliseconds, tenants, heap: after.heap - before.heap, rss: after.rss }),
)
await follower.close()
