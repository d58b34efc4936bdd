import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseCellName, parseTenantId } from '../core/tenant.ts'
import { choose } from './choose.ts'
import { RetryBudget } from './retry-budget.ts'
import { ServerState } from './server-state.ts'
import { serversFor } from './servers-for.ts'

const A = parseTenantId('acme')
const server = (weight = 1, failure?: 'bad' | 'unreached') => {
  const state = new ServerState(1)
  for (let n = 0; n < 5; n += 1) {
    if (failure === undefined) break
    state.begin(A)
    state.judge(A, failure)
    state.end(A)
  }
  return { weight, state }
}
const chosen = (servers: readonly ReturnType<typeof server>[], tries = 200) =>
  new Set(Array.from({ length: tries }, () => choose(servers, A)))

test('servers that cannot be reached get nothing, and where there is no other, nobody is asked', () => {
  const [well, broken] = [server(), server(1, 'unreached')]
  assert.deepEqual(chosen([broken, well, broken]), new Set([well]))
  assert.equal(choose([broken], A), undefined)
  assert.equal(choose([broken, server(1, 'unreached')], A), undefined)
  assert.equal(choose([], A), undefined)
})

test('bad answers of most servers take none out, those of a few do', () => {
  const [bad, other, well] = [server(1, 'bad'), server(1, 'bad'), server()]
  assert.deepEqual(chosen([bad, well]), new Set([well]))
  assert.deepEqual(chosen([bad, other, well]), new Set([bad, other, well]))
  assert.equal(choose([bad], A), bad)
})

test('what probes say of all servers takes out none', () => {
  const [down, other, well] = [server(), server(), server()]
  down.state.isDown = true
  other.state.isDown = true
  assert.deepEqual(chosen([down, other, well]), new Set([well]))
  assert.deepEqual(chosen([down, other]), new Set([down, other]))
})

test('the less busy of two gets the request, by weight', () => {
  const [idle, busy] = [server(), server()]
  busy.state.active = 10
  assert.deepEqual(chosen([idle, busy]), new Set([idle]))
  const strong = server(20)
  strong.state.active = 11
  idle.state.active = 1
  assert.deepEqual(chosen([idle, strong]), new Set([strong]))
})

test('idle servers get shares by weight', () => {
  const [one, three] = [server(1), server(3)]
  let ones = 0
  for (let n = 0; n < 4_000; n += 1) if (choose([one, three], A) === one) ones += 1
  // Six standard deviations.
  assert.ok(Math.abs(ones - 1_000) < 165, String(ones))
})

test('whatever the servers are, one that can be reached is chosen, and a fresh one before a tried one', () => {
  const kinds = fc.constantFrom(undefined, 'bad', 'unreached')
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), kinds)),
      fc.nat(),
      (all, seed) => {
        const servers = all.map(([weight, kind]) => server(weight, kind))
        const reached = servers.filter(({ state }) => state.outFor(A) !== 'broken')
        const one = choose(servers, A, [], () => (seed % 97) / 97)
        assert.equal(one === undefined, reached.length === 0)
        if (one === undefined) return
        assert.ok(reached.includes(one))
        assert.ok(reached.includes(choose(servers, A, [one]) ?? one))
      },
    ),
    { numRuns: 200 },
  )
  const [tried, fresh] = [server(), server()]
  fresh.state.active = 100
  assert.equal(choose([tried, fresh], A, [tried]), fresh)
  assert.equal(choose([tried], A, [tried]), tried)
})

test('a tenant gets servers of its cell and of all cells, in use, and of these its shard', () => {
  const servers = [
    { url: 'http://a', cell: parseCellName('eu-1') },
    { url: 'http://b', cell: parseCellName('us-1') },
    { url: 'http://c' },
    { url: 'http://d', weight: 0 },
  ]
  const tenant = { id: A, cell: parseCellName('eu-1') }
  const urls = (shard?: number) =>
    serversFor(shard === undefined ? { servers } : { servers, shard }, tenant).map(({ url }) => url)
  assert.deepEqual(urls(), ['http://a', 'http://c'])
  const [one, ...more] = urls(1)
  assert.ok(one === 'http://a' || one === 'http://c')
  assert.deepEqual(more, [])
})

test('retries are a fifth of what was sent in ten seconds at most, or a few', () => {
  let now = 0
  const budget = new RetryBudget(() => now)
  const taken = () => {
    let count = 0
    while (budget.take()) count += 1
    return count
  }
  assert.equal(taken(), 3)
  for (let n = 0; n < 100; n += 1) budget.sent()
  assert.equal(taken(), 17)
  now = 9_999
  assert.equal(taken(), 0)
  now = 10_000
  assert.equal(taken(), 3)
  for (let n = 0; n < 1_000; n += 1) {
    now += 50
    budget.sent()
    budget.take()
  }
  assert.equal(taken(), 0)
})
