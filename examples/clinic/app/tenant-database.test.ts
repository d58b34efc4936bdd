import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, mock, suite, test } from 'node:test'
import type { Pool } from 'pg'
import {
  type Answer,
  type FakeVending,
  leaseAnswer,
  startFakeVending,
} from '../test-support/fake-vending.test-support.ts'
import { TenantDatabases } from './tenant-database.ts'
import { TokenRefused, VendingUnavailable } from './token-exchange.ts'

const LOGIN = { host: '/nowhere', port: 5432, user: 'u', password: 'p4ssw0rd', database: 'clinic' }

/** An unsigned JWT: the application reads nothing but when it ends. */
const tokenEndingAt = (milliseconds: number) =>
  `e30.${Buffer.from(JSON.stringify({ exp: milliseconds / 1000 })).toString('base64url')}.c2ln`

const samePool = async (pool: Pool) => pool

suite('the database of a tenant', () => {
  let vending: FakeVending
  let answer: (token: string) => Answer | Promise<Answer>
  let databases: TenantDatabases

  before(async () => {
    vending = await startFakeVending((token) => answer(token))
  })
  after(() => vending.close())
  beforeEach(() => {
    vending.asked.length = 0
    answer = () => leaseAnswer('lease-1', 900, LOGIN)
    databases = new TenantDatabases({ url: 'http://vending', socketPath: vending.socketPath })
  })
  afterEach(async () => {
    mock.timers.reset()
    await databases.close()
  })

  test('is asked for by an OAuth token exchange', async () => {
    const pool = await databases.use('the-token', samePool)
    assert.deepEqual(Object.fromEntries(vending.asked[0] ?? []), {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: 'the-token',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      requested_token_type: 'urn:ringfence:params:token-type:postgres-credential',
      scope: 'write',
    })
    assert.equal(pool.options.user, 'u')
    assert.equal(pool.options.max, 4)
  })

  test('is asked for once, however many requests come with a token at a time', async () => {
    const pools = await Promise.all(Array.from({ length: 20 }, () => databases.use('t', samePool)))
    assert.equal(new Set(pools).size, 1)
    assert.equal(vending.asked.length, 1)
  })

  test('has one pool for all the tokens that are exchanged for one lease', async () => {
    assert.equal(await databases.use('t1', samePool), await databases.use('t2', samePool))
    assert.equal(vending.asked.length, 2)
  })

  test('differs for tokens that are exchanged for different leases', async () => {
    answer = (token) => leaseAnswer(`lease of ${token}`, 900, { ...LOGIN, user: token })
    const users = await Promise.all(
      ['a', 'b', 'a', 'b'].map((token) => databases.use(token, async (p) => p.options.user)),
    )
    assert.deepEqual(users, ['a', 'b', 'a', 'b'])
  })

  test('is renewed after two thirds of a lease, and the old pool ends with its last request', async () => {
    mock.timers.enable({ apis: ['Date'], now: 1_000_000 })
    let letGo = () => {}
    const held = new Promise<void>((resolve) => {
      letGo = resolve
    })
    let old: Pool | undefined
    const slow = databases.use('t', (pool) => {
      old = pool
      return held
    })
    await databases.use('t', samePool)
    answer = () => leaseAnswer('lease-2', 900, LOGIN)
    mock.timers.setTime(1_000_000 + 599_000)
    assert.equal(await databases.use('t', samePool), old)
    assert.equal(vending.asked.length, 1)

    mock.timers.setTime(1_000_000 + 601_000)
    assert.equal(await databases.use('t', samePool), old, 'nobody waits for the renewal')
    while ((await databases.use('t', samePool)) === old) await new Promise(setImmediate)
    assert.equal(vending.asked.length, 2)
    assert.equal(old?.ending, false, 'a request still works with the old pool')
    letGo()
    await slow
    assert.equal(old.ending, true)
  })

  test('keeps serving when a renewal fails, until the lease ends', async () => {
    mock.timers.enable({ apis: ['Date'], now: 1_000_000 })
    const pool = await databases.use('t', samePool)
    answer = () => ({ status: 503, body: {} })
    mock.timers.setTime(1_000_000 + 700_000)
    assert.equal(await databases.use('t', samePool), pool)
    mock.timers.setTime(1_000_000 + 899_500)
    await assert.rejects(databases.use('t', samePool), VendingUnavailable)
  })

  test('is not served from memory to a token that has ended', async () => {
    const now = Date.now()
    mock.timers.enable({ apis: ['Date'], now })
    const token = tokenEndingAt(now + 60_000)
    await databases.use(token, samePool)
    answer = () => ({ status: 400, body: { error: 'invalid_request' } })
    mock.timers.setTime(now + 61_000)
    await assert.rejects(databases.use(token, samePool), { name: 'Error', status: 401 })
  })

  test('never has more than twenty pools open', async () => {
    answer = (token) => leaseAnswer(`lease of ${token}`, 900, LOGIN)
    const pools: Pool[] = []
    for (let n = 0; n < 25; n += 1) pools.push(await databases.use(`t${n}`, samePool))
    assert.deepEqual(
      pools.map((pool) => pool.ending),
      pools.map((_, n) => n < 5),
    )
    assert.equal(await databases.use('t24', samePool), pools[24])
    assert.notEqual(await databases.use('t0', samePool), pools[0])
  })

  for (const [status, expected] of [
    [400, 401],
    [401, 401],
    [403, 403],
  ] as const) {
    test(`is refused when vending answers ${status}`, async () => {
      answer = () => ({ status, body: { error: 'invalid_request' } })
      await assert.rejects(
        databases.use('t', samePool),
        (error) => error instanceof TokenRefused && error.status === expected,
      )
    })
  }

  test('is unavailable, not refused, when vending is down, broken or hangs up', async () => {
    const broken: Answer[] = [
      { status: 500, body: {} },
      { status: 429, body: {} },
      { status: 200, body: 'not JSON' },
      { status: 200, body: { lease_id: 'x', data: LOGIN } },
      { status: 200, body: 'x'.repeat(100_000) },
    ]
    for (const each of broken) {
      answer = () => each
      await assert.rejects(databases.use('t', samePool), VendingUnavailable)
    }
    const gone = new TenantDatabases({ url: 'http://vending', socketPath: '/nowhere/at/all' })
    await assert.rejects(gone.use('t', samePool), VendingUnavailable)
  })

  test('never has its password in an error', async () => {
    answer = () => ({ status: 200, body: { lease_id: '', lease_duration: -1, data: LOGIN } })
    await assert.rejects(databases.use('t', samePool), (error) => {
      assert.ok(error instanceof Error)
      assert.doesNotMatch(`${error.stack} ${String(error.cause)}`, /p4ssw0rd/)
      return true
    })
  })
})
