import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import fc from 'fast-check'
import type pg from 'pg'
import { RingfenceError } from '../../src/core/errors.ts'
import type { TenantId } from '../../src/core/tenant.ts'
import { Ringfence } from '../../src/sdk/ringfence.ts'
import { openServiceGround, type ServiceGround } from './service-ground.test-support.ts'

let service: ServiceGround
let ringfence: Ringfence
let harbor: TenantId
let northmere: TenantId

before(async () => {
  service = await openServiceGround()
  ;({ ringfence, harbor, northmere } = service)
})
after(() => service?.close())
beforeEach(() => {
  service.answer = undefined
  service.leaseSeconds = 900
})

const textsOf = async (db: pg.ClientBase) =>
  (await db.query<{ text: string }>('select text from words.word order by id')).rows.map(
    ({ text }) => text,
  )
const loginOf = async (db: pg.ClientBase) =>
  (await db.query<{ login: string }>('select session_user::text as login')).rows[0]?.login
const add = (db: pg.ClientBase, id: number, text: string) =>
  db.query('insert into words.word (id, text) values ($1, $2)', [id, text])
const write = { scope: 'write' } as const

describe('with a verified context', () => {
  test('a query without a WHERE clause finds the rows of its tenant alone', async () => {
    for (const [tenant, text] of [
      [harbor, 'of harbor'],
      [northmere, 'of northmere'],
    ] as const) {
      await ringfence.withTenant(await service.context(tenant), (db) => add(db, 1, text), write)
    }
    assert.deepEqual(await ringfence.withTenant(await service.context(harbor), textsOf), [
      'of harbor',
    ])
    assert.deepEqual(await ringfence.withTenant(await service.context(northmere), textsOf), [
      'of northmere',
    ])
  })

  test('the scope is the lease’s: who reads does not write, whatever the context allows', async () => {
    const context = await service.context(harbor)
    await assert.rejects(
      ringfence.withTenant(context, (db) => add(db, 9, 'x')),
      { code: '42501' },
    )
    const readOnly = await service.context(harbor, ['read'])
    await assert.rejects(
      ringfence.withTenant(readOnly, (db) => add(db, 9, 'x'), write),
      { code: 'forbidden' },
    )
    assert.deepEqual(await ringfence.withTenant(readOnly, textsOf), ['of harbor'])
  })

  test('any mix of requests at a time: each works with its own tenant’s login and no other', async () => {
    const request = fc.record({
      own: fc.boolean(),
      scope: fc.constantFrom('read' as const, 'write' as const),
      fails: fc.boolean(),
      leaves: fc.constantFrom('select 1', 'begin', "set statement_timeout = '5s'"),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(request, { minLength: 10, maxLength: 40 }), async (requests) => {
        const ends = await Promise.allSettled(
          requests.map(async ({ own, scope, fails, leaves }) => {
            const tenant = own ? harbor : northmere
            await ringfence.withTenant(
              await service.context(tenant),
              async (db) => {
                const login = await loginOf(db)
                const lease = service.handedOut.find((each) => each.lease.credential.user === login)
                assert.deepEqual([lease?.exchange.tenant, lease?.exchange.scope], [tenant, scope])
                await db.query(leaves)
                if (fails) throw new RangeError('of the application')
              },
              { scope },
            )
          }),
        )
        for (const [index, end] of ends.entries()) {
          const failed = end.status === 'rejected' && end.reason instanceof RangeError
          assert.equal(failed, requests[index]?.fails === true, String(Object.values(end)))
          assert.ok(end.status === 'fulfilled' || failed)
        }
      }),
      { numRuns: 8 },
    )
  })
})

describe('a lease', () => {
  test('that the server refuses is asked for anew, once, and the request goes on', async () => {
    const context = await service.context(harbor)
    await ringfence.withTenant(context, textsOf)
    await service.ground.site.custodian.end(harbor, undefined, 'revoked')
    const before = service.handedOut.length
    assert.deepEqual(await ringfence.withTenant(context, textsOf), ['of harbor'])
    assert.equal(service.handedOut.length, before + 1)
  })

  test('that is refused again and again ends in lease_denied after two', async () => {
    const dead = await service.ground.lease(northmere, 900, 'read')
    await service.ground.site.custodian.end(northmere, undefined, 'revoked')
    service.answer = async () => dead
    const other = new Ringfence(service.platform.options)
    const context = await other.verify(await service.platform.context(northmere))
    const before = service.handedOut.length
    await assert.rejects(other.withTenant(context, textsOf), { code: 'lease_denied' })
    assert.equal(service.handedOut.length, before + 2)
    await other.close()
  })

  test('is no reason to run the work twice: an error of the work’s own is not repeated', async () => {
    let runs = 0
    const work = async () => {
      runs += 1
      throw new RingfenceError('lease_denied', 'from inside')
    }
    await assert.rejects(ringfence.withTenant(await service.context(harbor), work), {
      message: 'from inside',
    })
    assert.equal(runs, 1)
  })

  test('is followed by the next one before it ends, and no request fails', async () => {
    service.leaseSeconds = 3
    const other = new Ringfence(service.platform.options)
    const logins = new Set<string | undefined>()
    while (logins.size < 2) {
      const context = await other.verify(await service.platform.context(harbor))
      logins.add(await other.withTenant(context, loginOf))
    }
    await other.close()
  })
})

describe('a borrowed session', () => {
  test('is of no use to who keeps it: every later use is refused', async () => {
    const kept: (() => unknown)[] = []
    await ringfence.withTenant(await service.context(harbor), async (db) => {
      kept.push(() => db.query('select 1'))
      for (const name of ['query', 'on', 'getTypeParser']) {
        const method = Reflect.get(db, name) as (...args: unknown[]) => unknown
        kept.push(() => method('select 1'))
      }
    })
    for (const use of kept) assert.throws(use, { code: 'invalid_argument' })
    const query = ringfence.withTenant(await service.context(harbor), async (db) => db)
    await assert.rejects(query, { code: 'invalid_argument' })
  })

  test('takes its listeners away with it', async () => {
    const context = await service.context(harbor)
    const heard: unknown[] = []
    await ringfence.withTenant(context, async (db) => {
      db.on('notification', (message) => heard.push(message))
    })
    await ringfence.withTenant(context, async (db) => {
      await db.query('listen something')
      await db.query("notify something, 'hello'")
      await db.query('select 1')
    })
    assert.deepEqual(heard, [])
  })

  test('is not ended, begun anew or changed by its borrower', async () => {
    await ringfence.withTenant(await service.context(harbor), async (db) => {
      const client = db as pg.Client
      assert.throws(() => client.end(), { code: 'invalid_argument' })
      assert.throws(() => client.connect(), { code: 'invalid_argument' })
      assert.throws(() => Object.assign(client, { query: () => {} }), { code: 'invalid_argument' })
      assert.equal((await db.query('select 1')).rowCount, 1)
    })
  })
})

describe('a transaction', () => {
  test('is committed when the work succeeds and rolled back when it fails', async () => {
    const context = await service.context(harbor)
    await ringfence.transaction(context, (db) => add(db, 10, 'kept'))
    const failing = ringfence.transaction(context, async (db) => {
      await add(db, 11, 'not kept')
      throw new RangeError('of the application')
    })
    await assert.rejects(failing, RangeError)
    assert.deepEqual(await ringfence.withTenant(context, textsOf), ['of harbor', 'kept'])
  })

  test('in which a failed statement was passed over is not reported as committed', async () => {
    const context = await service.context(harbor)
    const passedOver = ringfence.transaction(context, async (db) => {
      await add(db, 12, 'lost')
      await db.query('select no_such_column').catch(() => undefined)
    })
    await assert.rejects(passedOver, { code: 'conflict' })
    assert.ok(!(await ringfence.withTenant(context, textsOf)).includes('lost'))
  })
})

test('a job reaches every tenant with a context and a lease of its own, one failure or not', async () => {
  const job = { job: 'count', reason: 'for the test', scopes: ['read'] as const }
  const report = await ringfence.forEachTenant(job, async (db, { tenant, context }) => {
    assert.equal(context.kind, 'job')
    if (tenant === harbor) await db.query('select no_such_column')
    return textsOf(db)
  })
  const [first, second] = report.outcomes
  assert.ok(first?.state === 'failed' && first.tenant === harbor)
  assert.ok(second?.state === 'done')
  assert.deepEqual(second.value, ['of northmere'])
  const write = ringfence.forEachTenant(job, (db) => add(db, 50, 'x'))
  assert.equal((await write).failed, 2)
})

test('closing waits for the work under way and leaves no session', async () => {
  const other = new Ringfence(service.platform.options)
  const context = await other.verify(await service.platform.context(harbor))
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
  const { promise: held, resolve: letGo } = Promise.withResolvers<void>()
  const work = other.withTenant(context, async (db) => {
    begin()
    await held
    return textsOf(db)
  })
  await begun
  const closing = other.close()
  await assert.rejects(other.withTenant(context, textsOf), { code: 'engine_unavailable' })
  letGo()
  assert.ok((await work).length > 0)
  await closing
  assert.equal(other.stats().sessions, 0)
})
