import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { logOf } from '../../src/audit/entry.ts'
import { auditLine } from '../../src/audit/journal-audit-writer.ts'
import { journalSender } from '../../src/audit/journal-sender.ts'
import { makeEntry } from '../../src/audit/make-entry.ts'
import { AUDIT_MIGRATIONS } from '../../src/audit/migrations.ts'
import { submitEntries } from '../../src/audit/submit-entries.ts'
import type { EmbeddedCluster } from '../../src/clusters/embedded-cluster.ts'
import { scratch, seeded } from '../../src/clusters/scratch.test-support.ts'
import { THROW_AWAY } from '../../src/clusters/test-seed.test-support.ts'
import { parseClientId } from '../../src/core/names.ts'
import { until } from '../../src/core/until.test-support.ts'
import { listen } from '../../src/http/listen.ts'
import { Journal } from '../../src/journal/journal.ts'
import { Shipper } from '../../src/journal/shipper.ts'
import { ACME, meterOf, usageEvent } from '../../src/metering/metering-site.test-support.ts'
import { openMetering } from '../../src/metering/open-metering.ts'
import { freePort } from '../../src/platform/ports.ts'
import { openIntake } from '../../src/records/intake/open-intake.ts'
import { KeyEncryptionKeys } from '../../src/records/log/key-encryption.ts'
import { idsIn, opened, verified } from '../../src/records/log/test-logs.test-support.ts'
import { SigningKey } from '../../src/tokens/signing-key.ts'
import { KeySet } from '../../src/tokens/verify-token.ts'

const GATEWAY = parseClientId('ringfence-gateway')
const SOURCE = '/ringfence/ringfence-gateway/one'
const AUDIENCE = 'ringfence-records'
const LOG = logOf(ACME)
const DAY_MS = 86_400_000
/** Between two kills. */
const WRITTEN = 40
const WRITERS = 3

const entry = (action: string) =>
  makeEntry({
    ...{ tenant: ACME, category: 'decision', action, actor: { kind: 'unknown', id: 'unknown' } },
    ...{ decision: 'denied', layer: 'token' },
  })

/**
 * Kills the control database's server under load and starts it again, while planes' journals are taken in,
 * acts are entered with their transactions, and entries and usage go on into logs and meters. Nobody else is
 * started anew. At the end everything that was promised is there once, and nothing that was not done.
 * @returns what was promised
 */
export async function restartDatabase(t: TestContext, restarts: number) {
  const port = await freePort('127.0.0.1')
  const directory = scratch(t)
  const start = () =>
    seeded(t, {
      ...{ directory: join(directory, 'database'), port },
      settings: { ...THROW_AWAY, listen_addresses: '127.0.0.1', max_connections: '60' },
    })
  let server: EmbeddedCluster = await start()
  const database = { ...server.admin, host: '127.0.0.1' }
  const asked = new pg.Pool({ ...database, max: 4 })
  asked.on('error', () => {})
  // Also while one is in use.
  asked.on('connect', (client) => client.on('error', () => {}))
  await asked.query(
    [
      ...['audit', 'records', 'usage'].map((schema) => `create schema ${schema}`),
      ...AUDIT_MIGRATIONS,
      'create table act (id uuid primary key)',
    ].join(';\n'),
  )
  const logs = await opened(t, { database, keys: new KeyEncryptionKeys([randomBytes(32)]) })
  const metering = await openMetering({ database, beatMs: 50, log: () => {} })
  await metering.setMeters([meterOf({ name: 'visits', aggregation: 'sum', value: 'n' })], 1)
  const key = await SigningKey.create('EdDSA')
  const intake = await openIntake({
    ...{ database, audience: AUDIENCE, logs, usage: metering.store, log: () => {} },
    planes: () => [
      { client: GATEWAY, keys: new KeySet([key.publicJwk]), categories: ['decision'] },
    ],
  })
  const listening = await listen(intake.app.fetch, { socket: join(directory, 's') })
  const journal = await Journal.open({ directory: join(directory, 'journal') })
  const records = { records: listening.url, audience: AUDIENCE, client: GATEWAY, key }
  const shipper = await Shipper.start({
    ...{ journal, log: () => {}, delayMsMax: 50 },
    send: journalSender({ ...records, source: 'one' }),
  })
  const closeAll = async () => {
    await shipper.close()
    await journal.close()
    await listening.close()
    await intake.close()
    await metering.close()
    await asked.end()
  }

  const [entries, events, acts] = [new Set<string>(), new Set<string>(), new Set<string>()]
  const working = new AbortController()
  const intoJournal = async () => {
    while (!working.signal.aborted) {
      const denied = entry('request.denied')
      const used = usageEvent({ tenantid: ACME, id: randomUUID(), source: SOURCE, data: { n: 1 } })
      await journal.append([auditLine(denied), { kind: 'usage', value: used }])
      entries.add(denied.id)
      events.add(used.id)
      await sleep(1)
    }
  }
  const withTransactions = async () => {
    while (!working.signal.aborted) {
      const done = entry('tenant.status')
      // What became of a transaction that broke off, only the database knows.
      if (await committed(asked, done).catch(() => false)) acts.add(done.id)
      await sleep(1)
    }
  }
  try {
    const work = Array.from({ length: WRITERS }, () => [intoJournal(), withTransactions()]).flat()
    for (let restart = 0; restart < restarts; restart += 1) {
      const due = { journal: entries.size + WRITTEN, acts: acts.size + WRITTEN }
      await until(() => entries.size >= due.journal && acts.size >= due.acts)
      await sleep(Math.random() * 100)
      process.kill(server.pid, 'SIGKILL')
      await server.exited
      server = await start()
    }
    const due = acts.size + WRITTEN
    await until(() => acts.size >= due)
    working.abort()
    await Promise.all(work)
    await until(async () => (await shipper.lag()).bytes === 0)
    await until(async () => (await intake.state()).inbox.entries === 0)
    await logs.sign()

    const { rows } = await asked.query<{ id: string }>('select id from act')
    const happened = new Set(rows.map(({ id }) => id))
    for (const id of acts) assert.ok(happened.has(id), 'an act that was promised is lost')
    const known = await idsIn(logs, LOG)
    assert.equal(new Set(known).size, known.length, 'an entry stands twice')
    assert.deepEqual(
      new Set(known),
      entries.union(happened),
      'each act has its entry, and no other',
    )
    const { findings, size } = await verified(logs, LOG)
    assert.deepEqual(findings, [])
    assert.equal(size, known.length)
    assert.equal((await intake.state()).quarantined, 0)

    await metering.settled()
    const kept = await asked.query<{ id: string }>('select id from usage.event')
    assert.deepEqual(new Set(kept.rows.map(({ id }) => id)), events)
    assert.equal(kept.rows.length, events.size)
    const today = Math.floor(Date.now() / DAY_MS) * DAY_MS
    const [reading] = await metering.readings.read({
      ...{ tenant: ACME, meter: 'visits', window: 'whole' },
      from: new Date(today - DAY_MS),
      to: new Date(today + DAY_MS),
    })
    assert.equal(reading?.quantity, BigInt(events.size) * 1_000_000n)
    return { entries: known.length, events: events.size }
  } finally {
    working.abort()
    await closeAll()
  }
}

/** An act and its entry, together. */
async function committed(pool: pg.Pool, done: ReturnType<typeof entry>): Promise<boolean> {
  const client = await pool.connect()
  let trouble: Error | undefined
  try {
    await client.query('begin')
    await client.query('insert into act values ($1)', [done.id])
    await submitEntries(client, [done])
    await client.query('commit')
    return true
  } catch (error) {
    trouble = error instanceof Error ? error : new Error(String(error))
    throw trouble
  } finally {
    client.release(trouble)
  }
}
