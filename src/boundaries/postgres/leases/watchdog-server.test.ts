import assert from 'node:assert/strict'
import { platform } from 'node:os'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import type { ExportSink } from '../../boundary.ts'
import { startTestSite, tenant, type TestSite } from '../test-site.test-support.ts'
import { type Budget, BUDGET_DEFAULT } from './budget.ts'

let place: TestSite

before(async () => {
  place = await startTestSite()
  await place.provision('acme')
  await place.provision('other')
})
after(() => place?.stop())

/** Sweeps, as the boundary does about every second, until somebody is over this budget. */
async function sweepUntilOver(budget: Partial<Budget>): Promise<readonly string[]> {
  for (;;) {
    const sweep = await place.site.custodian.sweep({ ...BUDGET_DEFAULT, ...budget })
    if (sweep.overBudget.length > 0) return sweep.overBudget
    await sleep(20)
  }
}

/** A session that waits, without work for the processor, for a lock that another one holds. */
async function waiting(): Promise<{ holder: pg.Client; waiter: pg.Client; wait: Promise<string> }> {
  const [holder, waiter] = [await place.login('acme'), await place.login('acme')]
  await holder.query('begin')
  await holder.query(`select rf.lock('one')`)
  const wait = waiter.query(`select rf.lock('one')`).then(
    () => 'done',
    (error: { code?: string }) => String(error.code),
  )
  return { holder, waiter, wait }
}

const isAlive = (client: pg.Client): Promise<boolean> =>
  client.query('select 1').then(
    () => true,
    () => false,
  )

async function leave(): Promise<void> {
  await place.boundary.revoke(tenant('acme'))
  await place.boundary.revoke(tenant('other'))
}

test('a statement over its time is cancelled, and its session goes on', async () => {
  const { holder, waiter, wait } = await waiting()
  const [reason, ...more] = await sweepUntilOver({ statementSeconds: 1 })
  assert.match(String(reason), /statement: a statement over 1 s$/)
  assert.deepEqual(more, [])
  assert.equal(await wait, '57014')
  assert.ok((await isAlive(waiter)) && (await isAlive(holder)))
  await leave()
})

test('a statement over twice its time loses its session', async () => {
  const { waiter, wait } = await waiting()
  await sleep(2100)
  const [reason] = await sweepUntilOver({ statementSeconds: 1 })
  assert.match(String(reason), /session: a statement over 2 s$/)
  assert.notEqual(await wait, 'done')
  assert.equal(await isAlive(waiter), false)
  await leave()
})

test('a transaction that is left open is ended, a busy neighbour is not', async () => {
  const [idle, other] = [await place.login('acme'), await place.login('other')]
  await idle.query('begin')
  const [reason] = await sweepUntilOver({ idleInTransactionSeconds: 0.5 })
  assert.match(String(reason), /idle in a transaction/)
  assert.equal(await isAlive(idle), false)
  assert.ok(await isAlive(other))
  const busy = await place.login('acme')
  await busy.query('begin')
  const over = sweepUntilOver({ transactionSeconds: 1 })
  while (await isAlive(busy)) await sleep(50)
  assert.match(String(await over), /a transaction over 1 s/)
  await leave()
})

test('a session with nothing to do is ended', async () => {
  const idle = await place.login('acme')
  await idle.query('select 1')
  assert.match(String(await sweepUntilOver({ idleSeconds: 0.5 })), /idle over/)
  assert.equal(await isAlive(idle), false)
  await leave()
})

test('a lock in others’ way is ended; among a tenant’s own sessions it is their own affair', async () => {
  const { holder, wait } = await waiting()
  await sleep(700)
  const own = await place.site.custodian.sweep({ ...BUDGET_DEFAULT, blockingSeconds: 0.5 })
  assert.deepEqual(own.overBudget, [])
  await holder.query('commit')
  assert.equal(await wait, 'done')

  await holder.query('begin')
  await holder.query('select from notes.note')
  const admin = await place.admin()
  await admin.query('begin')
  const change = admin.query('lock table notes.note in access exclusive mode')
  assert.match(String(await sweepUntilOver({ blockingSeconds: 0.5 })), /in others' way/)
  await change
  await admin.query('commit')
  assert.equal(await isAlive(holder), false)
  await leave()
})

test('a session that takes too much memory is ended where memory can be seen', async () => {
  const [hungry, other] = [await place.login('acme'), await place.login('other')]
  const eating = hungry.query(
    'select cardinality(array_agg(i)) from (select generate_series(1, 60000000) i) s',
  )
  const eaten = eating.then(
    () => 'eaten',
    () => 'ended',
  )
  if (platform() === 'linux') {
    assert.match(String(await sweepUntilOver({ sessionMemoryMiB: 48 })), /over 48 MiB of memory/)
    assert.equal(await eaten, 'ended')
    assert.ok(await isAlive(other))
  }
  await leave()
})

test('a session that writes too many temporary files is ended', async () => {
  const [hungry, other] = [await place.login('acme'), await place.login('other')]
  const sorting = hungry
    .query(
      'select count(*) from (select i from generate_series(1, 30000000) i order by i % 1000) s',
    )
    .then(
      () => 'sorted',
      () => 'ended',
    )
  assert.match(String(await sweepUntilOver({ tempMiB: 16 })), /over 16 MiB of temporary files/)
  assert.equal(await sorting, 'ended')
  assert.ok(await isAlive(other))
  await leave()
})

test('of too many connections the oldest stay, and PostgreSQL itself limits those of one login', async () => {
  const clients: pg.Client[] = []
  for (let index = 0; index < 6; index += 1) clients.push(await place.login('acme'))
  const other = await place.login('other')
  const over = await sweepUntilOver({ connections: 4 })
  assert.equal(over.length, 2)
  const alive = await Promise.all(clients.map(isAlive))
  assert.deepEqual(alive, [true, true, true, true, false, false])
  assert.ok(await isAlive(other))
  await leave()
  const { credential } = await place.boundary.lease(tenant('acme'), {
    scope: 'write',
    holder: 'test',
  })
  const limit = BUDGET_DEFAULT.connectionsPerLogin
  for (let index = 0; index < limit; index += 1) await place.connect(credential)
  await assert.rejects(place.connect(credential), { code: '53300' })
  await leave()
})

test('an export outlives the time of statements and of idle transactions', async () => {
  const writer = await place.login('acme')
  await writer.query(
    `insert into notes.note (body) select repeat('x', 2000) from generate_series(1, 3000)`,
  )
  await writer.end()
  const admin = await place.admin('postgres')
  const { pooledDatabase } = place.names
  await admin.query(`alter database ${pooledDatabase} set idle_in_transaction_session_timeout = '300ms';
    alter database ${pooledDatabase} set statement_timeout = '300ms'`)
  const stop = new AbortController()
  const sweeping = (async () => {
    const strict = { statementSeconds: 0.2, idleInTransactionSeconds: 0.2, idleSeconds: 0.2 }
    while (!stop.signal.aborted) {
      await place.site.custodian.sweep({ ...BUDGET_DEFAULT, ...strict, transactionSeconds: 0.2 })
      await sleep(50)
    }
  })()
  const pause = () => sleep(200)
  const slow: ExportSink = { open: pause, write: pause, close: pause }
  try {
    const manifest = await place.boundary.export(tenant('acme'), slow)
    assert.equal(manifest.items[0]?.count, 3000)
  } finally {
    stop.abort()
    await sweeping
  }
})
