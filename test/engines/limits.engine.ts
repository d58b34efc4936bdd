import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { readFileSync } from 'node:fs'
import type { RingfenceError } from '../../src/core/errors.ts'
import { parseTenantId } from '../../src/core/tenant.ts'
import { type Caller, limitId } from '../../src/limits/limit-key.ts'
import { Limiter } from '../../src/limits/limiter.ts'
import { RedisStore } from '../../src/limits/redis/redis-store.ts'
import { RESERVED_PART_OF_QUOTA, RESERVED_PART_OF_RATE } from '../../src/limits/reserve.ts'
import type { QuotaLimit, RateLimit } from '../../src/limits/tenant-limits.ts'
import { serverOf } from '../../src/redis/redis-server.ts'
import { type LimitsRedis, startLimitsRedis } from './limits-redis.ts'

const ROOM = { max: 1_000, maxPerTenant: 1_000, leastPerTenant: 10 }
const [ACME, GLOBEX] = [parseTenantId('acme'), parseTenantId('acme-1')]

const callerOf = (tenant: Caller['tenant'], user = 'ann'): Caller => ({
  tenant,
  api: 'clinic',
  home: tenant,
  client: 'web',
  user,
  address: '192.0.2.7',
})

const rate = (name: string, everyMs: number, burst: number): RateLimit => ({
  id: limitId({ from: 'plan' }, 'rate', name),
  per: 'user',
  label: name,
  shared: true,
  policy: '',
  spec: { kind: 'rate', everyMs, burst },
})

const quota = (name: string, amount: number): QuotaLimit => ({
  id: limitId({ from: 'plan' }, 'quota', name),
  per: 'tenant',
  label: name,
  unit: 'requests',
  shared: true,
  policy: '',
  spec: { kind: 'quota', amount, period: 'month' },
})

interface Gateway {
  readonly store: RedisStore
  readonly limiter: Limiter
  readonly troubles: (RingfenceError | undefined)[]
  ask(limit: RateLimit | QuotaLimit, caller?: Caller): Promise<boolean>
  close(): Promise<void>
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 20_000; !(await holds()); await wait(20)) {
    assert.ok(Date.now() < end, 'it never came to hold')
  }
}

describe('limits in Redis', () => {
  let redis: LimitsRedis
  const open: Gateway[] = []
  before(async () => {
    // On a busy machine it may take longer than a gateway would wait for it; that has a test of its own.
    redis = await startLimitsRedis({ answerMs: 10_000 })
  })
  after(async () => {
    for (const gateway of open) await gateway.close()
    await redis.stop()
  })

  async function gateway(): Promise<Gateway> {
    const troubles: (RingfenceError | undefined)[] = []
    const store = await RedisStore.open({
      settings: redis.settings,
      onTrouble: (trouble) => troubles.push(trouble),
    })
    const limiter = new Limiter({ ...ROOM, store })
    const one: Gateway = {
      store,
      limiter,
      troubles,
      async ask(limit, caller = callerOf(ACME)) {
        return (await limiter.take(caller, [{ limit, amount: 1 }])).refused === undefined
      },
      async close() {
        await limiter.close()
        await store.close()
      },
    }
    open.push(one)
    return one
  }

  async function gateways(count: number): Promise<readonly Gateway[]> {
    const all = await Promise.all(Array.from({ length: count }, () => gateway()))
    await until(() => all.every(({ store }) => store.replicas === open.length))
    return all
  }

  async function closeAll(): Promise<void> {
    for (const one of open.splice(0)) await one.close()
  }

  test('gateways know how many they are, and of one that leaves', async () => {
    const [one, , three] = await gateways(3)
    assert.ok(one !== undefined && three !== undefined)
    assert.equal(one.store.replicas, 3)
    open.splice(open.indexOf(three), 1)
    await three.close()
    await until(() => one.store.replicas === 2)
    await closeAll()
  })

  test('of a rate they let through no more than is stated, in any window, whoever is asked', async () => {
    const all = await gateways(3)
    const limit = rate('window', 5, 100)
    const at: number[] = []
    const end = performance.now() + 1_500
    await Promise.all(
      all.map(async (one) => {
        while (performance.now() < end) {
          if (await one.ask(limit)) at.push(performance.now())
          else await wait(1)
        }
      }),
    )
    at.sort((a, b) => a - b)
    // And what each has just been granted and not used yet.
    const bound = 100 + 200 * RESERVED_PART_OF_RATE + all.length
    for (let from = 0; from < at.length; from += 1) {
      for (let to = from; to < at.length; to += 10) {
        const brought = ((at[to] ?? 0) - (at[from] ?? 0)) / 5
        assert.ok(to - from + 1 <= bound + brought, `${to - from + 1} in ${brought * 5} ms`)
      }
    }
    assert.ok(at.length > 300, `${at.length} let through`)
    await closeAll()
  })

  test('of a quota they let through what it is, and keep count when all of them start anew', async () => {
    const limit = quota('kept', 2_000)
    const take = async (tries: number) => {
      const all = await gateways(2)
      let served = 0
      for (let n = 0; n < tries; n += 1) if (await all[n % 2]?.ask(limit)) served += 1
      await closeAll()
      return served
    }
    assert.equal(await take(900), 900)
    assert.equal(await take(1_500), 1_100)
  })

  test('a gateway that is killed takes along no more than what is stated', async () => {
    const limit = quota('killed', 5_000)
    const [one, other] = await gateways(2)
    let served = 0
    for (let n = 0; n < 100; n += 1) if (await one?.ask(limit)) served += 1
    // It says nothing any more: what it has in hand is lost.
    for (let isLeft = true; isLeft; served += isLeft ? 1 : 0)
      isLeft = (await other?.ask(limit)) === true
    const least = 5_000 * (1 - RESERVED_PART_OF_QUOTA)
    assert.ok(served >= least && served <= 5_000, `${served}`)
    await closeAll()
  })

  test('what one tenant uses up is no other’s, whose name begins with its own', async () => {
    const [one] = await gateways(1)
    const limit = rate('names', 1e6, 2)
    const asAcme = callerOf(ACME, '1-ann')
    assert.deepEqual(
      [await one?.ask(limit, asAcme), await one?.ask(limit, asAcme), await one?.ask(limit, asAcme)],
      [true, true, false],
    )
    assert.equal(await one?.ask(limit, callerOf(GLOBEX)), true)
    const keys = await redis.server.admin.keys('*names*')
    assert.equal(keys.length, 2)
    for (const key of keys) assert.match(key, /^ringfence:limits:(?:acme|acme-1) plan rate names /)
    for (const key of keys) assert.ok((await redis.server.admin.pttl(key)) > 0)
    await closeAll()
  })

  test('its user reaches nothing but the limits, and gives no other command', async () => {
    const { user, passwordFile } = redis.settings
    const password = readFileSync(passwordFile, 'utf8').trim()
    const asLimits = new Redis({
      ...serverOf(redis.settings),
      username: user,
      password,
      enableReadyCheck: false,
      disableClientInfo: true,
    })
    try {
      await redis.server.admin.set('rf:session', 'secret')
      for (const attempt of [
        () => asLimits.get('rf:session'),
        () => asLimits.set('rf:session', 'x'),
        () => asLimits.eval(`return redis.call('GET', 'rf:session')`, 0),
        () => asLimits.keys('*'),
        () => asLimits.scan(0),
        () => asLimits.flushall(),
        () => asLimits.config('GET', '*'),
        () => asLimits.acl('LIST'),
      ]) {
        await assert.rejects(attempt, /NOPERM|can't (?:run|access)/)
      }
    } finally {
      asLimits.disconnect()
    }
  })

  test('while it is away each keeps to its part and says so; when it is back they count together', async () => {
    const all = await gateways(4)
    const limit = rate('away', 1e6, 40)
    await redis.server.kill()
    const served = [0, 0, 0, 0]
    for (const [index, one] of all.entries()) {
      for (let n = 0; n < 30; n += 1)
        if (await one.ask(limit)) served[index] = (served[index] ?? 0) + 1
    }
    assert.deepEqual(served, [10, 10, 10, 10])
    for (const { troubles, store } of all) {
      assert.equal(store.away, true)
      assert.equal(troubles.at(-1)?.code, 'engine_unavailable')
    }
    await redis.server.start()
    await until(() => all.every(({ store }) => !store.away))
    for (const { troubles } of all) assert.equal(troubles.at(-1), undefined)
    // What each used meanwhile is told with its first question.
    for (const one of all) await one.ask(limit)
    for (const one of all) assert.equal(await one.ask(limit), false)
    await closeAll()
  })

  test('a gateway starts without it, and finds it when it comes', async () => {
    await redis.server.kill()
    const one = await gateway()
    assert.equal(one.store.away, true)
    assert.equal(await one.ask(rate('start', 1e6, 5)), true)
    await redis.server.start()
    await until(() => !one.store.away)
    await closeAll()
  })
})
