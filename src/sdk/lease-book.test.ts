import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { RingfenceError } from '../core/errors.ts'
import type { LeaseId } from '../core/lease.ts'
import { LeaseBook, seatOf } from './lease-book.ts'
import { tenantNamed } from './platform.test-support.ts'
import type { VendedLease } from './vending-client.ts'

const requestOf = (tenant: string) => ({ tenant: tenantNamed(tenant), kind: 'request' as const })
const READ = seatOf(requestOf('harbor'), 'read')
const OTHER = seatOf(requestOf('northmere'), 'read')

function leaseOf(id: string, seconds = 900): VendedLease {
  const askedAt = Date.now()
  return {
    ...{ lease_id: id as LeaseId, askedAt, credential: {} },
    expires_at: new Date(askedAt + seconds * 1_000),
  }
}
const asked = (id: string, seconds?: number) => mock.fn(async () => leaseOf(id, seconds))
const settled = () => new Promise((resolve) => setImmediate(resolve))

test('a lease serves all requests of its seat, and no other seat', async () => {
  const book = new LeaseBook()
  const [first, second, foreign] = [asked('one'), asked('two'), asked('three')]
  await book.ensure(READ, first)
  await book.ensure(READ, second)
  assert.throws(() => book.lease(OTHER), { code: 'lease_denied' })
  await book.ensure(OTHER, foreign)
  assert.deepEqual([book.lease(READ).lease_id, book.lease(OTHER).lease_id], ['one', 'three'])
  assert.deepEqual([first.mock.callCount(), second.mock.callCount()], [1, 0])
})

test('the scopes of a tenant, and its jobs, are seats of their own', () => {
  const job = { tenant: tenantNamed('harbor'), kind: 'job' as const }
  assert.notEqual(READ, seatOf(job, 'read'))
  assert.notEqual(READ, seatOf(requestOf('harbor'), 'write'))
})

test('requests at the same time share one exchange', async () => {
  const book = new LeaseBook()
  const ask = asked('one')
  await Promise.all(Array.from({ length: 20 }, () => book.ensure(READ, ask)))
  assert.equal(ask.mock.callCount(), 1)
})

test('a refusal of one request’s context is not another’s', async () => {
  const book = new LeaseBook()
  const refused = mock.fn(async () => {
    await settled()
    throw new RingfenceError('invalid_token', 'no')
  })
  const good = asked('one')
  const both = await Promise.allSettled([book.ensure(READ, refused), book.ensure(READ, good)])
  assert.deepEqual(
    both.map(({ status }) => status),
    ['rejected', 'fulfilled'],
  )
  assert.equal(book.lease(READ).lease_id, 'one')
})

test('trouble of vending’s is shared by all who wait, and is not asked for again by each', async () => {
  const book = new LeaseBook()
  const down = mock.fn(async () => {
    await settled()
    throw new RingfenceError('overloaded', 'later')
  })
  const all = await Promise.allSettled(Array.from({ length: 5 }, () => book.ensure(READ, down)))
  assert.ok(all.every(({ status }) => status === 'rejected'))
  assert.equal(down.mock.callCount(), 1)
})

test('a lease is replaced after two thirds of its life, and nobody waits for it', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 })
  const book = new LeaseBook()
  await book.ensure(READ, asked('one'))
  const { promise, resolve } = Promise.withResolvers<VendedLease>()
  const next = mock.fn(() => promise)
  t.mock.timers.setTime(1_000_000 + 599_000)
  await book.ensure(READ, next)
  assert.equal(next.mock.callCount(), 0)
  t.mock.timers.setTime(1_000_000 + 601_000)
  await book.ensure(READ, next)
  assert.equal(book.lease(READ).lease_id, 'one')
  resolve(leaseOf('two'))
  await settled()
  assert.equal(book.lease(READ).lease_id, 'two')
  assert.equal(next.mock.callCount(), 1)
})

test('a renewal that fails is no harm until the lease ends, and is not tried by every request', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 })
  const book = new LeaseBook()
  await book.ensure(READ, asked('one'))
  const down = mock.fn(() => Promise.reject(new RingfenceError('overloaded', 'later')))
  t.mock.timers.setTime(1_000_000 + 700_000)
  for (let turn = 0; turn < 5; turn += 1) {
    await book.ensure(READ, down)
    await settled()
  }
  assert.equal(down.mock.callCount(), 1)
  assert.equal(book.lease(READ).lease_id, 'one')
  t.mock.timers.setTime(1_000_000 + 896_000)
  await assert.rejects(book.ensure(READ, down), { code: 'overloaded' })
  assert.throws(() => book.lease(READ), { code: 'lease_denied' })
})

test('a lease that the server refused is replaced once for all, and not one that took its place', async () => {
  const book = new LeaseBook()
  await book.ensure(READ, asked('one'))
  const next = asked('two')
  await Promise.all(Array.from({ length: 5 }, () => book.replace(READ, 'one', next)))
  await book.replace(READ, 'one', next)
  assert.equal(book.lease(READ).lease_id, 'two')
  assert.equal(next.mock.callCount(), 1)
})

test('a clock that is set makes no lease last longer, and one that was set forward keeps nobody from the next', async (t) => {
  let steady = 0
  t.mock.method(performance, 'now', () => steady)
  t.mock.timers.enable({ apis: ['Date'], now: 100_000_000 })
  const book = new LeaseBook()
  await book.ensure(READ, asked('one'))
  t.mock.timers.setTime(100_000_000 - 3_600_000)
  steady += 901_000
  await book.ensure(READ, asked('two'))
  assert.equal(book.lease(READ).lease_id, 'two')
  t.mock.timers.setTime(100_000_000 + 3_600_000)
  await book.ensure(READ, asked('three'))
  const none = asked('four')
  await book.ensure(READ, none)
  assert.equal(book.lease(READ).lease_id, 'three')
  assert.equal(none.mock.callCount(), 0)
})

test('what has ended is let go of', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 })
  const book = new LeaseBook()
  for (let n = 0; n < 50; n += 1) await book.ensure(seatOf(requestOf(`t${n}`), 'read'), asked('x'))
  t.mock.timers.setTime(1_000_000 + 1_000_000)
  await book.ensure(READ, asked('one'))
  assert.equal(book.size, 1)
})
