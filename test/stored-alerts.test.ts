import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { AlertSink } from '../src/alerts/alert-sink.ts'
import { ALERT_MIGRATIONS } from '../src/alerts/alert-tables.ts'
import { ownerOf } from '../src/alerts/alert.ts'
import type { Notice } from '../src/alerts/notice.ts'
import { Alerts } from '../src/alerts/open-alerts.ts'
import { StoredAlerts } from '../src/alerts/stored-alerts.ts'
import type { EmbeddedCluster } from '../src/clusters/embedded-cluster.ts'
import { startSeeded } from '../src/clusters/test-seed.test-support.ts'
import { Database } from '../src/control/database.ts'
import { RingfenceError } from '../src/core/errors.ts'
import { parseTenantId } from '../src/core/tenant.ts'

let directory: string
let cluster: EmbeddedCluster | undefined
let database: Database | undefined

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rf-alerts-'))
  cluster = await startSeeded({
    name: 'alerts',
    directory: join(directory, 'data'),
    profile: 'silo',
  })
  const opened = new Database(cluster.admin)
  database = opened
  await opened.query('create schema alerts')
  for (const step of ALERT_MIGRATIONS) await opened.query(step)
})
after(async () => {
  await database?.pool.end()
  await cluster?.stop()
  await rm(directory, { recursive: true, force: true })
})

function opened(): Database {
  assert.ok(database !== undefined)
  return database
}

const acme = ownerOf(parseTenantId('acme'))
const globex = ownerOf(parseTenantId('globex'))

test('what was said, told and silenced is known after a kill, and nobody is told twice', async () => {
  let now = Date.UTC(2026, 5, 1)
  const delivered: (readonly [string, string])[] = []
  const refusing = new Set<string>()
  const sink = (owner: AlertSink['owner'], name: string): AlertSink => ({
    owner,
    name,
    async deliver(notice: Notice) {
      if (refusing.has(owner)) throw new RingfenceError('engine_unavailable', 'away')
      delivered.push([owner, notice.id])
    },
  })
  const open = () =>
    Alerts.open({
      store: new StoredAlerts(opened()),
      sinks: () => [sink(acme, 'hook'), sink(globex, 'hook'), sink('platform', 'hook')],
      now: () => now,
      log: () => undefined,
    })
  const say = (alerts: Alerts, tenant: string, state: 'firing' | 'resolved' = 'firing') =>
    alerts.signal({
      ...{ name: 'slo-burn', severity: 'warning', state, summary: 'it burns', tenant },
      ...{ labels: { slo: 'available' }, at: new Date(now), until: new Date(now + 86_400_000) },
    })

  const first = await open()
  await say(first, 'acme')
  await say(first, 'globex')
  await first.silence(globex, {
    ...{ labels: { slo: 'available' }, until: new Date(now + 3_600_000) },
    ...{ by: 'u-1', reason: 'known' },
  })
  refusing.add(acme)
  now += 60_000
  await first.look()
  assert.equal(await first.deliver(), 1)
  assert.equal(delivered.length, 0)

  // The first is killed here: nothing of it but the database is left.
  refusing.clear()
  await opened().query(`update alerts.message set next_at = clock_timestamp()`)
  const second = await open()
  await say(second, 'acme')
  now += 60_000
  await second.look()
  assert.equal(await second.deliver(), 1)
  assert.deepEqual(
    delivered.map(([owner]) => owner),
    [acme],
  )
  assert.equal(await second.deliver(), 0)

  // A silence is its owner's, and ends for its owner alone.
  const [silence] = second.silences(globex)
  assert.ok(silence !== undefined)
  await second.endSilence(acme, silence.id)
  assert.equal((await open()).silences(globex).length, 1)
  await second.endSilence(globex, silence.id)
  const third = await open()
  await say(third, 'acme', 'resolved')
  now += 600_000
  await third.look()
  assert.equal(await third.deliver(), 2)
  assert.deepEqual(
    delivered
      .slice(1)
      .map(([owner]) => owner)
      .toSorted(),
    [acme, globex],
  )
  assert.equal(new Set(delivered.map(([, id]) => id)).size, 3)
})

test('two processes never deliver one message at the same time', async () => {
  const store = new StoredAlerts(opened())
  const body: Notice = {
    ...{ id: crypto.randomUUID(), owner: acme, name: 'x', at: '', severity: 'info' },
    ...{ firing: [], resolved: [], more: 0, repeated: false },
  }
  const messages = Array.from({ length: 20 }, (_, n) => ({ notice: body, sink: `s-${n}` }))
  await store.save({ kept: [], gone: [], messages })
  const claims = await Promise.all(Array.from({ length: 6 }, () => store.claim(10, 60_000)))
  const sinks = claims.flat().map(({ sink }) => sink)
  assert.equal(sinks.length, 20)
  assert.equal(new Set(sinks).size, 20)
})

test('a change is written as a whole or not at all', async () => {
  const store = new StoredAlerts(opened())
  const before = await store.load()
  const [row] = before.alerts
  assert.ok(row !== undefined)
  const unwritable = { ...row, signal: { ...row.signal, summary: 'a\u0000b' } }
  await assert.rejects(
    store.save({
      kept: [unwritable],
      gone: [row],
      messages: [],
    }),
  )
  assert.deepEqual(await store.load(), before)
})
