import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseTenantId, type TenantId } from '../core/tenant.ts'
import { HandClock } from './hand-clock.test-support.ts'
import { Limiter } from './limiter.ts'
import { type Caller, limitId } from './limit-key.ts'
import type { RateLimit } from './tenant-limits.ts'

const ACME = parseTenantId('acme')
const GLOBEX = parseTenantId('globex')

const perUser: RateLimit = {
  id: limitId({ from: 'plan' }, 'rate', 'each'),
  per: 'user',
  label: 'each',
  shared: false,
  policy: '',
  spec: { kind: 'rate', everyMs: 10_000, burst: 2 },
}

function openLimiter(options: { max: number; maxPerTenant: number; leastPerTenant: number }) {
  const clock = new HandClock()
  const limiter = new Limiter({ ...options, clock })
  const ask = (tenant: TenantId, user: string) => {
    const caller: Caller = { tenant, api: '', home: tenant, client: 'c', user, address: '' }
    const verdict = limiter.take(caller, [{ limit: perUser, amount: 1 }])
    assert.ok(!(verdict instanceof Promise))
    return verdict.refused === undefined
  }
  return { clock, limiter, ask }
}

test('whoever has used something up does not get it back by having others come', () => {
  const { ask } = openLimiter({ max: 50, maxPerTenant: 20, leastPerTenant: 5 })
  assert.ok(ask(ACME, 'ann') && ask(ACME, 'ann'))
  for (let n = 0; n < 500; n += 1) ask(ACME, `other-${n}`)
  assert.equal(ask(ACME, 'ann'), false)
})

test('those for whom there is no room are counted together, and get no more than one would', () => {
  const { ask, limiter } = openLimiter({ max: 50, maxPerTenant: 20, leastPerTenant: 5 })
  let served = 0
  for (let n = 0; n < 500; n += 1) if (ask(ACME, `user-${n}`)) served += 1
  assert.equal(served, 20 + 2)
  assert.ok(limiter.size <= 21)
})

test('however many callers some tenants have, another has room for its own', () => {
  const { ask } = openLimiter({ max: 40, maxPerTenant: 20, leastPerTenant: 5 })
  for (const tenant of ['t-1', 't-2', 't-3']) {
    for (let n = 0; n < 100; n += 1) ask(parseTenantId(tenant), `user-${n}`)
  }
  for (let n = 0; n < 5; n += 1) {
    const user = `user-${n}`
    assert.deepEqual(
      [1, 2, 3].map(() => ask(GLOBEX, user)),
      [true, true, false],
    )
  }
})

test('memory follows those who are there, not those who ever were', () => {
  const { ask, limiter, clock } = openLimiter({ max: 500, maxPerTenant: 500, leastPerTenant: 5 })
  for (let n = 0; n < 10_000; n += 1) {
    ask(ACME, `user-${n}`)
    clock.pass(1_000)
  }
  assert.ok(limiter.size < 50, `${limiter.size}`)
})
