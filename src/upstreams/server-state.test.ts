import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseTenantId, type TenantId } from '../core/tenant.ts'
import { type Failure, ServerState } from './server-state.ts'

const [A, B, C, D] = ['acme', 'birch', 'cedar', 'dune'].map((name) => parseTenantId(name)) as [
  TenantId,
  TenantId,
  TenantId,
  TenantId,
]
const HOUR = 3_600_000

function server(needed = 3) {
  let now = 1_000
  const state = new ServerState(needed, () => now)
  return {
    state,
    pass: (ms: number) => {
      now += ms
    },
    ask: (tenant: TenantId, outcome: Failure | 'served') => {
      state.begin(tenant)
      state.judge(tenant, outcome)
      state.end(tenant)
    },
  }
}

test('a tenant whose requests all fail takes a server from nobody, however many they are', () => {
  for (const failure of ['bad', 'unanswered'] as const) {
    const { state, ask } = server()
    for (let n = 0; n < 10_000; n += 1) ask(A, failure)
    for (let n = 0; n < 10_000; n += 1) ask(n % 2 === 0 ? A : B, failure)
    for (const tenant of [A, B, C]) assert.equal(state.outFor(tenant), 'no')
  }
})

test('a server that serves others between one’s failures stays in', () => {
  const { state, ask } = server()
  for (let n = 0; n < 1_000; n += 1) {
    for (const tenant of [A, B, C]) ask(tenant, 'bad')
    ask(D, 'served')
  }
  assert.equal(state.outFor(D), 'no')
})

test('a server that fails several tenants one after another is out for all', () => {
  for (const [failure, out] of [
    ['bad', 'ejected'],
    ['unanswered', 'broken'],
  ] as const) {
    const { state, ask } = server()
    for (const tenant of [A, B, C, A, B]) ask(tenant, failure)
    assert.equal(state.outFor(D), out)
  }
})

test('a server that cannot be connected to is out, whoever tries', () => {
  const { state, ask } = server()
  for (let n = 0; n < 5; n += 1) ask(A, 'unreached')
  assert.equal(state.outFor(B), 'broken')
})

test('a tenant’s own server is out by its failures alone', () => {
  const { state, ask } = server(1)
  for (let n = 0; n < 5; n += 1) ask(A, 'unanswered')
  assert.equal(state.outFor(A), 'broken')
})

test('a server is tried again after a while, and comes back when it serves', () => {
  const { state, ask, pass } = server()
  for (let n = 0; n < 5; n += 1) ask(A, 'unreached')
  pass(5_000)
  assert.equal(state.outFor(B), 'no')
  ask(B, 'served')
  for (let n = 0; n < 4; n += 1) ask(A, 'unreached')
  assert.equal(state.outFor(A), 'no')
})

test('trials are few: one of each tenant at a time, and nobody’s bars another’s', () => {
  const { state, ask, pass } = server()
  for (let n = 0; n < 5; n += 1) ask(A, 'unreached')
  pass(5_000)
  state.begin(A)
  assert.equal(state.outFor(A), 'broken')
  assert.equal(state.outFor(B), 'no')
  state.end(A)
  assert.equal(state.outFor(A), 'no')
  const many = Array.from({ length: 8 }, (_, n) => parseTenantId(`tenant-${n}`))
  for (const tenant of many) state.begin(tenant)
  assert.equal(state.outFor(B), 'broken')
})

test('one tenant’s failing trials do not keep a server out', () => {
  const { state, ask, pass } = server()
  for (const tenant of [A, B, C, A, B]) ask(tenant, 'bad')
  pass(5_000)
  for (let n = 0; n < 100; n += 1) ask(A, 'bad')
  assert.equal(state.outFor(B), 'no')
  ask(B, 'served')
  assert.equal(state.outFor(A), 'no')
})

test('each time it is out for twice as long, up to five minutes, until it did well for long', () => {
  const { state, ask, pass } = server()
  for (let n = 0; n < 5; n += 1) ask(A, 'unreached')
  let ms = 5_000
  for (let n = 0; n < 10; n += 1) {
    pass(ms - 1)
    assert.equal(state.outFor(A), 'broken')
    pass(1)
    assert.equal(state.outFor(A), 'no')
    ask(A, 'unreached')
    ms = Math.min(ms * 2, 300_000)
  }
  pass(ms)
  ask(A, 'served')
  pass(HOUR)
  for (let n = 0; n < 5; n += 1) ask(A, 'unreached')
  pass(5_000)
  assert.equal(state.outFor(A), 'no')
})
