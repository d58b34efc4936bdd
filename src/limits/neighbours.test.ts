import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simulate, type SimulatedLoad } from './upstream-simulation.test-support.ts'

const OTHERS = Array.from({ length: 9 }, (_, index) => `other-${index}`)
const PER_SECOND = 10

/** An upstream of 400 requests a second, and tenants of 10 each. */
function run(noisy: number, change: Partial<SimulatedLoad> = {}) {
  let state = 12_345
  const random = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return state / 0x80000000
  }
  const perSecond: Record<string, number> = {}
  for (const name of OTHERS) perSecond[name] = PER_SECOND
  if (noisy > 0) perSecond['noisy'] = noisy * PER_SECOND
  const sound = { slots: 32, serviceMs: 80, seconds: 40, fromSeconds: 15, gated: true }
  const seen = simulate({ ...sound, perSecond, random, ...change })
  const others = OTHERS.map((name) => seen.get(name))
  const latencies = others.flatMap((one) => one?.latencies ?? []).sort((a, b) => a - b)
  return {
    p99: latencies[Math.floor(latencies.length * 0.99)] ?? 0,
    refused: others.reduce((sum, one) => sum + (one?.refused ?? 0), 0),
    noisy: (seen.get('noisy')?.latencies.length ?? 0) / 25,
  }
}

const quiet = run(0)
const noisy = new Map([5, 50, 200].map((times) => [times, run(times)]))

for (const [times, { p99, refused }] of noisy) {
  test(`with one tenant at ${times} times its rate and no other limit, others’ p99 stays within a tenth`, () => {
    assert.equal(refused, 0)
    assert.ok(p99 <= quiet.p99 * 1.1, `${p99} ms, ${quiet.p99} alone`)
  })
}

test('without the gate it does not: what is tried here is what makes the difference', () => {
  assert.ok(run(50, { gated: false }).p99 > quiet.p99 * 10)
})

test('what others leave is used: the upstream is not idle for the sake of fairness', () => {
  assert.ok((noisy.get(50)?.noisy ?? 0) > 200)
})
