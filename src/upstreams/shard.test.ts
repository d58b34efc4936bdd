import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseTenantId } from '../core/tenant.ts'
import { blastRadius } from './blast-radius.ts'
import { shardOf } from './shard.ts'

const servers = (count: number) => Array.from({ length: count }, (_, n) => `http://10.0.0.${n}:80`)
const tenant = (n: number) => parseTenantId(`tenant-${n}`)
const shard = (all: readonly string[], n: number, size: number) =>
  shardOf(all, (url) => url, tenant(n), size)

test('a tenant has as many servers as its shard is large, each once, and the same each time', () => {
  fc.assert(
    fc.property(fc.nat(40), fc.nat(1_000), fc.integer({ min: 1, max: 45 }), (count, n, size) => {
      const all = servers(count)
      const own = shard(all, n, size)
      assert.equal(own.length, Math.min(size, count))
      assert.equal(new Set(own).size, own.length)
      assert.deepEqual(shard(all, n, size), own)
      assert.deepEqual(new Set(shard(all.toReversed(), n, size)), new Set(own))
    }),
  )
})

test('a server that goes changes the shards of those who had it, by that one server', () => {
  const all = servers(20)
  const [gone, ...left] = all
  for (let n = 0; n < 300; n += 1) {
    const before = shard(all, n, 4)
    const after = new Set(shard(left, n, 4))
    const kept = before.filter((url) => after.has(url)).length
    assert.equal(kept, before.includes(gone ?? '') ? 3 : 4)
  }
})

test('tenants are spread evenly over the servers', () => {
  const all = servers(16)
  const load = new Map<string, number>()
  const tenants = 4_000
  for (let n = 0; n < tenants; n += 1) {
    for (const url of shard(all, n, 2)) load.set(url, (load.get(url) ?? 0) + 1)
  }
  const even = (tenants * 2) / 16
  for (const url of all) {
    // Five standard deviations: hashing is the same each time.
    assert.ok(Math.abs((load.get(url) ?? 0) - even) < 5 * Math.sqrt(even), url)
  }
})

test('the share of tenants that lose everything is that of equal shards', () => {
  assert.equal(blastRadius(8, 2).down, 1 / 28)
  assert.equal(blastRadius(8, 8).down, 1)
  assert.equal(blastRadius(4, 1).down, 1 / 4)
  assert.ok(Math.abs(blastRadius(100, 5).down - 1 / 75_287_520) < 1e-20)
})

test('the shares of all who lose something or nothing add up to everybody', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 256 }), fc.nat(255), (count, less) => {
      const { lost } = blastRadius(count, Math.max(1, count - less))
      assert.ok(Math.abs(lost.reduce((sum, share) => sum + share, 0) - 1) < 1e-9)
    }),
  )
})

test('what is computed is what shards of real tenants show', () => {
  const all = servers(8)
  const first = new Set(shard(all, 0, 2))
  const others = 5_000
  const seen = [0, 0, 0]
  for (let n = 1; n <= others; n += 1) {
    const shared = shard(all, n, 2).filter((url) => first.has(url)).length
    seen[shared] = (seen[shared] ?? 0) + 1
  }
  blastRadius(8, 2).lost.forEach((share, shared) => {
    const expected = share * others
    assert.ok(Math.abs((seen[shared] ?? 0) - expected) < 5 * Math.sqrt(expected), String(shared))
  })
})

test('a shard of no servers, or more than there are, has no blast radius', () => {
  for (const [count, size] of [
    [4, 0],
    [4, 5],
    [4, 1.5],
  ] as const) {
    assert.throws(() => blastRadius(count, size), RangeError)
  }
})
