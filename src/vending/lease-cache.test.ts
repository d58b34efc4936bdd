import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RingfenceError } from '../core/errors.ts'
import type { Lease, LeaseId } from '../core/lease.ts'
import { type CellName, parseCellName, parseTenantId } from '../core/tenant.ts'
import { LEASES_PER_HOLDER, LeaseCache, type LeaseOrder } from './lease-cache.ts'

const ACME = parseTenantId('acme')
const GLOBEX = parseTenantId('globex')
const CELL = parseCellName('eu-west-1')
const TTL_SECONDS = 900
const BASE = { tenant: ACME, cell: CELL, tier: 'pooled', scope: 'read', holder: 'web' } as const

const order = (changes: Partial<LeaseOrder> = {}): LeaseOrder => ({
  ...BASE,
  seconds: TTL_SECONDS,
  ...changes,
})

/** A leaser that counts and can be made to wait or fail; time is the test's. */
function subject() {
  let now = Date.UTC(2026, 0, 1)
  const state = { fail: false, gate: Promise.resolve(), failures: 0 }
  const opened: { lease: Lease; holder: string; seconds: number | undefined }[] = []
  const ended: string[] = []
  const cache = new LeaseCache({
    leaserOf: (cell: CellName) => ({
      async lease(tenant, request) {
        await state.gate
        if (state.fail) throw new RingfenceError('engine_unavailable', 'the engine is away')
        const seconds = request.ttlSeconds ?? 0
        const lease: Lease = {
          lease_id: `lease-${opened.length + 1}` as LeaseId,
          lease_duration: seconds,
          renewable: true,
          tenant,
          boundary: 'fake',
          tier: 'pooled',
          cell,
          scope: request.scope,
          issued_at: new Date(now),
          expires_at: new Date(now + seconds * 1000),
          credential: { user: `${tenant}-${opened.length}` },
        }
        opened.push({ lease, holder: request.holder, seconds })
        return lease
      },
      revoke: async () => ({ leases: [], sessionsEnded: 0 }),
      leases: async () => [],
      sweep: async () => ({ leasesExpired: 0, sessionsEnded: 0, overBudget: [] }),
    }),
    end: (lease) => ended.push(lease.lease_id),
    clocks: () => ({ wall: now, steady: now }),
    onRenewalFailed: () => {
      state.failures += 1
    },
  })
  const lease = async (changes?: Partial<LeaseOrder>) => (await cache.get(order(changes))).lease
  return { cache, state, opened, ended, lease, pass: (seconds: number) => (now += seconds * 1000) }
}

const settle = () => new Promise((resolve) => setImmediate(resolve))

describe('a lease in hand', () => {
  test('is handed out again while it has life left', async () => {
    const { cache, lease, opened } = subject()
    const first = await cache.get(order())
    assert.equal(first.opened, true)
    assert.deepEqual(await cache.get(order()), { lease: first.lease, opened: false })
    assert.equal(await lease(), first.lease)
    assert.equal(opened.length, 1)
  })

  test('is one workload’s, one tenant’s, one scope’s, one place’s and one job’s', async () => {
    const { lease, opened } = subject()
    const until = new Date(Date.UTC(2026, 0, 1, 0, 10))
    const others: readonly Partial<LeaseOrder>[] = [
      {},
      { holder: 'report' },
      { tenant: GLOBEX },
      { scope: 'write' },
      { cell: parseCellName('eu-west-2') },
      { tier: 'bridge' },
      { job: { id: 'one', until } },
    ]
    const ids = new Set<string>()
    for (const changes of others) ids.add((await lease(changes)).lease_id)
    assert.equal(ids.size, others.length)
    assert.deepEqual(
      opened.map(({ holder }) => holder),
      ['web', 'report', 'web', 'web', 'web', 'web', 'web'],
    )
  })

  test('is opened once for any number of callers at the same time', async () => {
    const { lease, opened } = subject()
    await Promise.all(Array.from({ length: 50 }, () => lease()))
    assert.equal(opened.length, 1)
  })

  test('says how long it still lives', async () => {
    const { cache, lease, pass } = subject()
    const first = await lease()
    pass(100.5)
    assert.equal(cache.secondsLeft(first), 799)
  })

  test('is one of few that a workload holds of a tenant and scope; others are not held up', async () => {
    const { lease } = subject()
    for (let seconds = 100; seconds < 100 + LEASES_PER_HOLDER; seconds += 1)
      await lease({ seconds })
    await assert.rejects(lease({ seconds: 500 }), { code: 'lease_denied' })
    await lease({ seconds: 500, holder: 'report' })
    await lease({ seconds: 500, scope: 'write' })
    await lease({ seconds: 500, tenant: GLOBEX })
  })
})

describe('renewal', () => {
  test('replaces a lease in the background, and nobody waits for it', async () => {
    const { lease, pass, state } = subject()
    const first = await lease()
    pass(TTL_SECONDS * 0.7)
    const gate = Promise.withResolvers<void>()
    state.gate = gate.promise
    assert.equal(await lease(), first)
    gate.resolve()
    await settle()
    assert.notEqual((await lease()).lease_id, first.lease_id)
  })

  test('that fails is told and tried again; the lease in hand goes on', async () => {
    const { lease, pass, state } = subject()
    const first = await lease()
    pass(TTL_SECONDS * 0.7)
    state.fail = true
    await lease()
    await settle()
    assert.equal(state.failures, 1)
    state.fail = false
    assert.equal(await lease(), first)
    await settle()
    assert.notEqual(await lease(), first)
  })

  test('comes too late for an expired lease: a caller waits for a new one, or is told', async () => {
    const { lease, pass, state } = subject()
    const first = await lease()
    pass(TTL_SECONDS)
    state.fail = true
    await assert.rejects(lease(), { code: 'engine_unavailable' })
    state.fail = false
    assert.notEqual(await lease(), first)
  })

  test('asked for by the holder leaves a young lease, and replaces an old one once', async () => {
    const { cache, lease, pass } = subject()
    const first = await lease()
    assert.equal((await cache.renew(order(), first)).lease, first)
    pass(TTL_SECONDS * 0.6)
    const { lease: second } = await cache.renew(order(), first)
    assert.notEqual(second, first)
    assert.equal((await cache.renew(order(), first)).lease, second)
  })

  test('does not count the lease that it replaces', async () => {
    const { cache, lease, pass } = subject()
    for (let seconds = 900; seconds < 900 + LEASES_PER_HOLDER; seconds += 1)
      await lease({ seconds })
    pass(500)
    const old = await lease({ seconds: 900 })
    assert.notEqual((await cache.renew(order(), old)).lease, old)
  })
})

describe('a job’s lease', () => {
  test('ends with the job at the latest, and is not replaced by one that ends then too', async () => {
    const { cache, opened, lease, pass } = subject()
    const job = { id: 'one', until: new Date(Date.UTC(2026, 0, 1, 0, 5, 0, 900)) }
    const first = await lease({ job })
    assert.equal(opened[0]?.seconds, 300)
    pass(295)
    assert.equal(await lease({ job }), first)
    await settle()
    assert.equal((await cache.renew(order({ job }), first)).lease, first)
    assert.equal(opened.length, 1)
  })

  test('is not opened when the job has ended', async () => {
    const { lease } = subject()
    const job = { id: 'one', until: new Date(Date.UTC(2026, 0, 1)) }
    await assert.rejects(lease({ job }), { code: 'lease_denied' })
  })
})

describe('forgetting', () => {
  test('a tenant’s leases leaves all others', async () => {
    const { cache, lease } = subject()
    const acme = await lease()
    const globex = await lease({ tenant: GLOBEX })
    cache.forget(({ tenant }) => tenant === ACME)
    assert.notEqual(await lease(), acme)
    assert.equal(await lease({ tenant: GLOBEX }), globex)
  })

  test('one lease leaves the tenant’s others', async () => {
    const { cache, lease } = subject()
    const read = await lease()
    const write = await lease({ scope: 'write' })
    cache.forget((_, id) => id === read.lease_id)
    assert.notEqual(await lease(), read)
    assert.equal(await lease({ scope: 'write' }), write)
  })

  test('while a lease is being opened ends that lease, and nobody gets it', async () => {
    const { cache, lease, state, ended } = subject()
    const gate = Promise.withResolvers<void>()
    state.gate = gate.promise
    const opening = lease()
    await settle()
    cache.forget(({ tenant }) => tenant === ACME)
    gate.resolve()
    await assert.rejects(opening, { code: 'tenant_not_active' })
    assert.deepEqual(ended, ['lease-1'])
    assert.equal((await lease()).lease_id, 'lease-2')
  })
})
