import assert from 'node:assert/strict'
import { after, before, describe, test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import type pg from 'pg'
import type { TenantId } from '../../src/core/tenant.ts'
import type { PooledLease } from '../../src/sdk/postgres/lease-login.ts'
import { leasesOf, openPoolGround, type PoolGround, until } from './pool-ground.test-support.ts'
import type { TenantPoolOptions } from '../../src/sdk/postgres/pool-options.ts'
import { TenantPool } from '../../src/sdk/postgres/tenant-pool.ts'

let ground: PoolGround
let leases: (tenant: TenantId) => Promise<PooledLease>
const tenants: TenantId[] = []

before(async () => {
  ground = await openPoolGround()
  leases = leasesOf(ground)
  for (const id of ['ash', 'birch', 'cedar', 'doum', 'elm', 'fir', 'gum', 'hazel']) {
    tenants.push(await ground.addTenant(id))
  }
})
after(() => ground.close())

function tenant(index: number): TenantId {
  const found = tenants[index]
  assert.ok(found)
  return found
}

function poolOf(t: TestContext, options: Partial<TenantPoolOptions> = {}): TenantPool {
  const pool = new TenantPool({ sessionsMax: 4, lease: leases, ...options })
  t.after(() => pool.close())
  return pool
}

/** A statement that takes some tenths of a second. */
const BUSY = 'select count(*) from generate_series(1, 2000000)'

const pidOf = async (client: pg.ClientBase) => {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  return rows[0]?.pid
}
const userOf = async (client: pg.ClientBase) => {
  const { rows } = await client.query<{ login: string }>('select session_user::text as login')
  return rows[0]?.login
}

/** Holds a session of the tenant until the returned function is called. */
async function hold(pool: TenantPool, id: TenantId): Promise<() => Promise<void>> {
  const { promise: held, resolve: letGo } = Promise.withResolvers<void>()
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
  const use = pool.use(id, async () => {
    begin()
    await held
  })
  await Promise.race([begun, use])
  return () => {
    letGo()
    return use
  }
}

/** Looks at the server without a pause until stopped; returns the most sessions it saw. */
function watchSessions(): { stop(): Promise<number> } {
  const state = { stopped: false, most: 0 }
  const watching = (async () => {
    while (!state.stopped) state.most = Math.max(state.most, await ground.sessions())
    return state.most
  })()
  return {
    stop() {
      state.stopped = true
      return watching
    },
  }
}

describe('a session', () => {
  test('is lent again to its tenant, and never to another', async (t) => {
    const pool = poolOf(t, { reserve: 0, sessionsMax: 1 })
    const first = await pool.use(tenant(0), pidOf)
    assert.equal(await pool.use(tenant(0), pidOf), first)
    const [own, other] = [await pool.use(tenant(0), userOf), await pool.use(tenant(1), userOf)]
    assert.notEqual(own, other)
    assert.notEqual(await pool.use(tenant(1), pidOf), first)
    assert.deepEqual([pool.stats().hits, pool.stats().misses], [3, 2])
  })

  test('comes back without the transaction, settings and listening of its borrower', async (t) => {
    const pool = poolOf(t)
    const pid = await pool.use(tenant(0), async (client) => {
      await client.query('listen something')
      await client.query("set statement_timeout = '77s'")
      await client.query('begin')
      await client.query("insert into words.word (id, text) values (1, 'unfinished')")
      return pidOf(client)
    })
    await pool.use(tenant(0), async (client) => {
      assert.equal(await pidOf(client), pid)
      assert.deepEqual((await client.query('select * from words.word')).rows, [])
      assert.deepEqual((await client.query('show statement_timeout')).rows, [
        { statement_timeout: '30s' },
      ])
      client.once('notification', () => assert.fail('it still listens'))
      await client.query('notify something')
      client.removeAllListeners('notification')
    })
  })

  test('is not lent again after its borrower changed prepared statements by SQL', async (t) => {
    const pool = poolOf(t)
    const pid = await pool.use(tenant(0), async (client) => {
      await client.query('prepare mine as select 1')
      return pidOf(client)
    })
    assert.notEqual(await pool.use(tenant(0), pidOf), pid)
  })

  test('that is given back while a statement runs ends when the statement does', async (t) => {
    const pool = poolOf(t)
    let running: Promise<unknown> = Promise.resolve()
    await pool.use(tenant(0), async (client) => {
      running = client.query(BUSY)
    })
    assert.equal(pool.stats().sessions, 1)
    await running
    await until(() => pool.stats().sessions === 0)
  })

  test('that the server ends while it is unused leaves its place to others', async (t) => {
    const pool = poolOf(t)
    const pid = await pool.use(tenant(0), pidOf)
    await ground.admin.query('select pg_terminate_backend($1)', [pid])
    await until(() => pool.stats().sessions === 0)
    assert.notEqual(await pool.use(tenant(0), pidOf), pid)
  })
})

describe('the budget', () => {
  test('is never exceeded at the server, whatever is asked of the pool', async () => {
    const request = fc.record({
      of: fc.integer({ min: 0, max: 7 }),
      after: fc.integer({ min: 0, max: 30 }),
      holds: fc.integer({ min: 0, max: 20 }),
      fails: fc.boolean(),
    })
    const load = fc.array(request, { minLength: 20, maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(load, fc.integer({ min: 1, max: 5 }), async (requests, sessionsMax) => {
        const pool = new TenantPool({ sessionsMax, reserve: 0, waitMsMax: 120_000, lease: leases })
        const watch = watchSessions()
        const one = async ({ of, after, holds, fails }: (typeof requests)[number]) => {
          await sleep(after)
          const work = pool.use(tenant(of), async (client) => {
            await pidOf(client)
            await sleep(holds)
            if (fails) throw new RangeError('of the application')
          })
          await work.catch((error: unknown) =>
            assert.ok(error instanceof RangeError, String(error)),
          )
        }
        const results = await Promise.allSettled(requests.map(one))
        await pool.close()
        const most = await watch.stop()
        const failed = results.filter(({ status }) => status === 'rejected')
        assert.deepEqual(failed, [])
        assert.ok(most <= sessionsMax, `${most} sessions, of ${sessionsMax}`)
        assert.ok(pool.stats().sessionsPeak <= sessionsMax)
        assert.equal(await ground.sessions(), 0)
      }),
      { numRuns: 5, endOnFailure: true },
    )
  })

  test('keeps a reserve free, so that a new tenant does not wait for a session to close', async (t) => {
    const pool = poolOf(t, { sessionsMax: 4, reserve: 1 })
    for (let index = 0; index < 8; index += 1) await pool.use(tenant(index), pidOf)
    await until(() => pool.stats().sessions === 3)
  })

  test('goes to the tenants that are asked for most, not to those that came last', async (t) => {
    const pool = poolOf(t, { sessionsMax: 3, reserve: 1 })
    for (let turn = 0; turn < 5; turn += 1) {
      await pool.use(tenant(0), pidOf)
      await pool.use(tenant(1), pidOf)
    }
    for (let index = 2; index < 8; index += 1) await pool.use(tenant(index), pidOf)
    const { misses } = pool.stats()
    await pool.use(tenant(0), pidOf)
    await pool.use(tenant(1), pidOf)
    assert.equal(pool.stats().misses, misses)
  })

  test('is filled ahead for the tenants asked for most, after the server ended all sessions', async (t) => {
    const pool = poolOf(t, { sessionsMax: 3, reserve: 0 })
    for (let turn = 0; turn < 3; turn += 1) {
      for (let index = 0; index < 3; index += 1) await pool.use(tenant(index), pidOf)
    }
    await ground.admin.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where usename ~ '^rf_[0-9a-f]{32}_'`,
    )
    await until(() => pool.stats().opened === 6)
    assert.equal(await ground.sessions(), 3)
    assert.equal(pool.stats().misses, 3)
  })

  test('is not eaten up by one tenant: others are served while it asks without end', async (t) => {
    const pool = poolOf(t, { sessionsMax: 2, reserve: 0 })
    const state = { stopped: false, served: 0 }
    const flood = Array.from({ length: 20 }, async () => {
      while (!state.stopped) {
        await pool.use(tenant(0), pidOf)
        state.served += 1
      }
    })
    for (let index = 1; index < 4; index += 1) await pool.use(tenant(index), pidOf)
    state.stopped = true
    await Promise.all(flood)
    assert.ok(state.served > 0)
  })
})

describe('a request', () => {
  test('that waits too long is refused with timed_out, and the pool goes on', async (t) => {
    const pool = poolOf(t, { sessionsMax: 1, reserve: 0, waitMsMax: 50 })
    const letGo = await hold(pool, tenant(0))
    await assert.rejects(pool.use(tenant(1), pidOf), { code: 'timed_out' })
    await letGo()
    assert.ok(await pool.use(tenant(0), pidOf))
  })

  test('that finds too many waiting is refused with overloaded at once', async (t) => {
    const pool = poolOf(t, { sessionsMax: 1, reserve: 0, waitersMax: 1 })
    const letGo = await hold(pool, tenant(0))
    const waits = pool.use(tenant(1), pidOf)
    await until(() => pool.stats().waiting === 1)
    await assert.rejects(pool.use(tenant(2), pidOf), { code: 'overloaded' })
    await letGo()
    assert.ok(await waits)
  })

  test('of a tenant with its most sessions waits for one of them', async (t) => {
    const pool = poolOf(t, { sessionsPerTenantMax: 1 })
    const letGo = await hold(pool, tenant(0))
    const waits = pool.use(tenant(0), pidOf)
    await pool.use(tenant(1), pidOf)
    assert.equal(pool.stats().opened, 2)
    await letGo()
    await waits
    assert.equal(pool.stats().opened, 2)
  })

  test('gets what its work throws, and what its lease source throws', async (t) => {
    const pool = poolOf(t, {
      lease: async (id) => {
        if (id === tenant(1)) throw new RangeError('no lease')
        return leases(id)
      },
    })
    const work = pool.use(tenant(0), () => Promise.reject(new SyntaxError('mine')))
    await assert.rejects(work, SyntaxError)
    await assert.rejects(pool.use(tenant(1), pidOf), RangeError)
  })
})

describe('a login', () => {
  test('that the server refuses fails with lease_denied, and one with a good lease works', async (t) => {
    const good = await leases(tenant(0))
    const credential = { ...good.credential, password: 'wrong' }
    let asked: PooledLease = { ...(await ground.lease(tenant(1))), credential }
    const pool = poolOf(t, { lease: async () => asked })
    await assert.rejects(pool.use(tenant(0), pidOf), { code: 'lease_denied' })
    assert.equal(pool.stats().sessions, 0)
    asked = good
    assert.ok(await pool.use(tenant(0), pidOf))
  })

  test('that meets no server fails with engine_unavailable', async (t) => {
    const good = await leases(tenant(0))
    const credential = { ...good.credential, host: '/nowhere' }
    const pool = poolOf(t, { lease: async () => ({ ...good, credential }) })
    await assert.rejects(pool.use(tenant(0), pidOf), { code: 'engine_unavailable' })
    assert.equal(pool.stats().sessions, 0)
  })

  test('is tried once more when the lease was exchanged in the meantime', async (t) => {
    const old = await ground.lease(tenant(2))
    await ground.site.custodian.end(tenant(2), old.lease_id, 'revoked')
    const fresh = await ground.lease(tenant(2))
    const answers = [old]
    const pool = poolOf(t, { lease: async () => answers.shift() ?? fresh })
    assert.ok(await pool.use(tenant(2), pidOf))
  })

  test('of a revoked tenant fails with lease_denied, others go on, and a new lease works', async (t) => {
    let current = await ground.lease(tenant(3))
    const pool = poolOf(t, { lease: async (id) => (id === tenant(3) ? current : leases(id)) })
    await pool.use(tenant(3), pidOf)
    const undisturbed = await pool.use(tenant(4), pidOf)
    await ground.site.custodian.end(tenant(3), undefined, 'revoked')
    await until(() => pool.stats().sessions === 1)
    await assert.rejects(pool.use(tenant(3), pidOf), { code: 'lease_denied' })
    assert.equal(await pool.use(tenant(4), pidOf), undisturbed)
    current = await ground.lease(tenant(3))
    assert.ok(await pool.use(tenant(3), pidOf))
  })
})

test('rotation takes up new leases without a failed request, and retires sessions before their lease ends', async (t) => {
  const ttlSeconds = 3
  let current = await ground.lease(tenant(5), ttlSeconds)
  const ends = new Map<string, number>()
  const pool = poolOf(t, {
    lease: async (id) => {
      if (current.expires_at.getTime() - Date.now() < 1_500) {
        current = await ground.lease(id, ttlSeconds)
      }
      ends.set(current.credential.user, current.expires_at.getTime())
      return current
    },
  })
  while (ends.size < 3) {
    const login = await pool.use(tenant(5), userOf)
    assert.ok((ends.get(login ?? '') ?? 0) > Date.now(), 'a session of a lease that has ended')
    await sleep(5)
  }
})

test('closing waits for borrowed sessions, refuses everybody else, and leaves nothing at the server', async (t) => {
  const pool = poolOf(t, { sessionsMax: 1, reserve: 0 })
  const letGo = await hold(pool, tenant(6))
  const waiting = assert.rejects(pool.use(tenant(7), pidOf), { code: 'engine_unavailable' })
  await until(() => pool.stats().waiting === 1)
  let closed = false
  const closing = pool.close().then(() => {
    closed = true
  })
  await waiting
  await assert.rejects(pool.use(tenant(6), pidOf), { code: 'engine_unavailable' })
  assert.equal(closed, false)
  await letGo()
  await closing
  assert.equal(await ground.sessions(), 0)
})
