import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import type { Lease } from '../../../core/lease.ts'
import type { PostgresCredential } from '../postgres-boundary.ts'
import {
  connected,
  opens,
  startTestSite,
  tenant,
  type TestSite,
  until,
} from '../test-site.test-support.ts'
import { auditLedger, sessionsOfEnded } from './audit-ledger.test-support.ts'
import { startSlowNetwork } from './slow-network.test-support.ts'

const ACME = tenant('acme')

let place: TestSite
let ledger: pg.Client

before(async () => {
  place = await startTestSite()
  ledger = await place.admin(place.names.custodyDatabase)
  await place.provision(ACME)
})
after(() => place?.stop())

const lease = (): Promise<Lease<PostgresCredential>> =>
  place.boundary.lease(ACME, { scope: 'write', ttlSeconds: 600, holder: 'test' })

async function sessions(): Promise<number> {
  const { rows } = await ledger.query<{ count: string }>(
    `select count(*) from pg_stat_activity where usename ~ '^rf_[0-9a-f]{32}_'`,
  )
  return Number(rows[0]?.count)
}

test('whatever a session is doing, revocation ends it', async () => {
  const { credential } = await lease()
  const doing: Readonly<Record<string, readonly string[]>> = {
    'nothing yet': [],
    'idle after work': ['select 1'],
    'idle in a transaction': ['begin', `insert into notes.note (body) values ('never committed')`],
    'idle in a failed transaction': ['begin', 'select nonsense'],
    'a prepared statement': ['prepare p as select 1', 'execute p'],
    'an open cursor': ['begin', 'declare c cursor for select * from notes.note', 'fetch 1 from c'],
    'a held cursor': ['declare h cursor with hold for select body from notes.note'],
    'holding a lock': ['begin', `select rf.lock('one')`],
    'waiting for the lock': ['begin', `select rf.lock('one')`],
    'a long query': ['select count(*) from generate_series(1, 1000000000000)'],
    'a long write': [
      `insert into notes.note (body) select 'x' from generate_series(1, 1000000000)`,
    ],
  }
  const clients = new Map<string, pg.Client>()
  for (const [what, statements] of Object.entries(doing)) {
    const client = await place.connect(credential)
    clients.set(what, client)
    const running = (async () => {
      for (const sql of statements) await client.query(sql).catch(() => {})
    })()
    // Those that do not end are to be met while they run.
    await Promise.race([running, sleep(100)])
  }
  assert.equal(await sessions(), clients.size)
  const revoked = await place.boundary.revoke(ACME)
  assert.equal(revoked.sessionsEnded, clients.size)
  for (const [what, client] of clients) await assert.rejects(client.query('select 1'), /./, what)
  assert.equal(await sessions(), 0)
  const admin = await place.admin()
  assert.equal((await admin.query('select from notes.note')).rowCount, 0)
})

test('fifty clients that come back as fast as they can are out when revoke returns', async () => {
  const leases = await Promise.all([lease(), lease(), lease()])
  let revokedAt = Number.POSITIVE_INFINITY
  let served = 0
  const late: string[] = []
  const stop = new AbortController()
  const clients = Array.from({ length: 50 }, async (_, index) => {
    const { credential } = leases[index % leases.length] ?? assert.fail()
    while (!stop.signal.aborted) {
      const client = await connected(credential).catch(() => undefined)
      try {
        for (;;) {
          if (client === undefined || stop.signal.aborted) break
          const began = performance.now()
          await client.query('select count(*) from notes.note')
          served += 1
          if (began > revokedAt) late.push(`client ${index}`)
        }
      } catch {
        // The session was ended: come back.
      }
      await client?.end().catch(() => {})
    }
  })
  await until(() => served >= 200)
  await place.boundary.revoke(ACME)
  revokedAt = performance.now()
  await sleep(300)
  stop.abort()
  await Promise.all(clients)
  assert.deepEqual(late, [])
  assert.deepEqual(await sessionsOfEnded(ledger, place.names), [])
})

test('a connection that is being made while its lease is revoked does not outlive it', async () => {
  let during = 0
  for (let round = 0; round < 25; round += 1) {
    const { credential } = await lease()
    const connecting = Array.from({ length: 6 }, () => connected(credential).catch(() => undefined))
    await sleep(round % 13)
    const revoking = place.boundary.revoke(ACME)
    await revoking
    for (const client of await Promise.all(connecting)) {
      if (client === undefined) continue
      during += 1
      await assert.rejects(client.query('select 1'), `round ${round}`)
      await client.end().catch(() => {})
    }
    assert.deepEqual(await sessionsOfEnded(ledger, place.names), [])
  }
  assert.ok(during > 0, 'no connection was made in time to be revoked')
})

test('an authentication that began before the revocation comes to nothing after it', async () => {
  const network = await startSlowNetwork(place.cluster.admin)
  try {
    const { credential } = await lease()
    const through = { ...credential, host: network.host }
    assert.ok(await opens(through))
    network.hold()
    const connecting = connected(through)
    connecting.catch(() => {})
    // The server has asked for a password and waits for the answer.
    await network.heldBack()
    await place.boundary.revoke(ACME)
    network.release()
    await assert.rejects(connecting)
    assert.deepEqual(await sessionsOfEnded(ledger, place.names), [])
  } finally {
    await network.close()
  }
})

test('clients who stop in the middle of logging in do not hold up a revocation', async () => {
  const network = await startSlowNetwork(place.cluster.admin)
  try {
    const [mine, stalled] = [await lease(), await lease()]
    const session = await place.connect(mine.credential)
    network.hold()
    const connecting = connected({ ...stalled.credential, host: network.host })
    connecting.catch(() => {})
    await network.heldBack()
    await place.boundary.revoke(ACME, mine.lease_id)
    await assert.rejects(session.query('select 1'))
    network.release()
    await connecting.then(
      (client) => client.end(),
      () => {},
    )
  } finally {
    await network.close()
    await place.boundary.revoke(ACME)
  }
})

test('four busy clients do not notice that their login changes five times a second', async () => {
  let current = await lease()
  const logins = new Set<string>()
  const failures: unknown[] = []
  const at: (string | undefined)[] = []
  const stop = new AbortController()
  let served = 0
  const clients = Array.from({ length: 4 }, async (_, index) => {
    let using: Lease<PostgresCredential> | undefined
    let client: pg.Client | undefined
    while (!stop.signal.aborted) {
      try {
        if (client === undefined || using !== current) {
          using = current
          const next = await connected(using.credential)
          await client?.end()
          client = next
          at[index] = using.lease_id
        }
        await client.query('insert into notes.note (body) values ($1)', [`from ${index}`])
        served += 1
      } catch (error) {
        failures.push(error)
        client = undefined
      }
    }
    await client?.end()
  })
  for (let rotation = 0; rotation < 15; rotation += 1) {
    await sleep(200)
    const old = current
    current = await lease()
    logins.add(current.credential.user)
    await until(() => at.every((id) => id === current.lease_id))
    await place.boundary.revoke(ACME, old.lease_id)
  }
  stop.abort()
  await Promise.all(clients)
  assert.deepEqual(failures, [])
  assert.equal(logins.size, 2, 'two logins in turn')
  const admin = await place.admin()
  assert.equal((await admin.query('select from notes.note')).rowCount, served)
  await place.boundary.revoke(ACME)
  assert.deepEqual(await auditLedger(ledger, place.names), [])
})
