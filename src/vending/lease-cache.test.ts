import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Leaser } from '../boundaries/boundary.ts'
import type { CellName } from '../core/tenant.ts'
import type { Lease, LeaseId } from '../core/lease.ts'
import { parseTenantId } from '../core/tenant.ts'
import { LeaseCache } from './lease-cache.ts'

const ACME = parseTenantId('acme')
const GLOBEX = parseTenantId('globex')
const TTL_SECONDS = 900

/** A leaser that counts and can be made to wait or fail; time is the test's. */
function subject() {
  let now = Date.UTC(2026, 0, 1)
  let opened = 0
  const state = { fail: false, gate: Promise.resolve(), revoked: [] as string[], failures: 0 }
  const leaser: Pick<Leaser, 'lease' | 'revoke'> = {
    async lease(tenant, request): Promise<Lease> {
      await state.gate
      if (state.fail) throw new Error('the engine is away')
      opened += 1
      return {
        lease_id: `lease-${opened}` as LeaseId,
        lease_duration: TTL_SECONDS,
        renewable: true,
        tenant,
        boundary: 'fake',
        tier: 'pooled',
        cell: 'cell' as CellName,
        scope: request.scope,
        issued_at: new Date(now),
        expires_at: new Date(now + TTL_SECONDS * 1000),
        credential: { user: `${tenant}-${opened}` },
      }
    },
    async revoke(tenant, lease) {
      state.revoked.push(`${tenant}/${lease ?? '*'}`)
      return { leases: [], sessionsEnded: 0 }
    },
  }
  const cache = new LeaseCache({
    leaserOf: async () => leaser as Leaser,
    holder: 'test',
    ttlSeconds: TTL_SECONDS,
    now: () => now,
    onRenewalFailed: () => {
      state.failures += 1
    },
  })
  return { cache, state, pass: (seconds: number) => (now += seconds * 1000), opened: () => opened }
}

const settle = () => new Promise((resolve) => setImmediate(resolve))

describe('a lease in hand', () => {
  test('is handed out again while it has life left', async () => {
    const { cache, opened } = subject()
    const first = await cache.get(ACME, 'read')
    assert.equal(await cache.get(ACME, 'read'), first)
    assert.equal(opened(), 1)
  })

  test('is one tenant’s and one scope’s', async () => {
    const { cache } = subject()
    const leases = [
      await cache.get(ACME, 'read'),
      await cache.get(ACME, 'write'),
      await cache.get(GLOBEX, 'read'),
    ]
    assert.equal(new Set(leases.map((lease) => lease.lease_id)).size, 3)
    assert.deepEqual(
      leases.map((lease) => lease.tenant),
      [ACME, ACME, GLOBEX],
    )
  })

  test('is opened once for any number of callers at the same time', async () => {
    const { cache, opened } = subject()
    await Promise.all(Array.from({ length: 50 }, () => cache.get(ACME, 'read')))
    assert.equal(opened(), 1)
  })

  test('says how long it still lives', async () => {
    const { cache, pass } = subject()
    const lease = await cache.get(ACME, 'read')
    pass(100.5)
    assert.equal(cache.secondsLeft(lease), 799)
  })
})

describe('renewal', () => {
  test('replaces a lease in the background, and nobody waits for it', async () => {
    const { cache, pass, state } = subject()
    const first = await cache.get(ACME, 'read')
    pass(TTL_SECONDS * 0.7)
    const gate = Promise.withResolvers<void>()
    state.gate = gate.promise
    assert.equal(await cache.get(ACME, 'read'), first)
    gate.resolve()
    await settle()
    assert.notEqual((await cache.get(ACME, 'read')).lease_id, first.lease_id)
  })

  test('that fails is told and tried again; the lease in hand goes on', async () => {
    const { cache, pass, state } = subject()
    const first = await cache.get(ACME, 'read')
    pass(TTL_SECONDS * 0.7)
    state.fail = true
    await cache.get(ACME, 'read')
    await settle()
    assert.equal(state.failures, 1)
    state.fail = false
    assert.equal(await cache.get(ACME, 'read'), first)
    await settle()
    assert.notEqual(await cache.get(ACME, 'read'), first)
  })

  test('comes too late for an expired lease: a caller waits for a new one, or is told', async () => {
    const { cache, pass, state } = subject()
    const first = await cache.get(ACME, 'read')
    pass(TTL_SECONDS)
    state.fail = true
    await assert.rejects(cache.get(ACME, 'read'), /away/)
    state.fail = false
    assert.notEqual(await cache.get(ACME, 'read'), first)
  })
})

describe('revocation', () => {
  test('of a tenant forgets its leases and no one else’s', async () => {
    const { cache, state } = subject()
    const acme = await cache.get(ACME, 'read')
    const globex = await cache.get(GLOBEX, 'read')
    await cache.revoke(ACME)
    assert.deepEqual(state.revoked, ['acme/*'])
    assert.notEqual(await cache.get(ACME, 'read'), acme)
    assert.equal(await cache.get(GLOBEX, 'read'), globex)
  })

  test('of one lease leaves the tenant’s others', async () => {
    const { cache } = subject()
    const read = await cache.get(ACME, 'read')
    const write = await cache.get(ACME, 'write')
    await cache.revoke(ACME, read.lease_id)
    assert.notEqual(await cache.get(ACME, 'read'), read)
    assert.equal(await cache.get(ACME, 'write'), write)
  })

  test('while a lease is being opened keeps that lease out of the cache', async () => {
    const { cache, state } = subject()
    const gate = Promise.withResolvers<void>()
    state.gate = gate.promise
    const opening = cache.get(ACME, 'read')
    await cache.revoke(ACME)
    gate.resolve()
    const stale = await opening
    assert.notEqual((await cache.get(ACME, 'read')).lease_id, stale.lease_id)
  })
})
