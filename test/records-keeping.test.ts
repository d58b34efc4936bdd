import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { ownerOf } from '../src/alerts/alert.ts'
import { Alerts } from '../src/alerts/open-alerts.ts'
import { StoredAlerts } from '../src/alerts/stored-alerts.ts'
import { type AuditEntry, logOf } from '../src/audit/entry.ts'
import { type OpenBehaviour, openBehaviour } from '../src/behaviour/open-behaviour.ts'
import { BillingDatabase } from '../src/billing/store/billing-database.ts'
import {
  type ControlSite,
  fillCatalogue,
  jane,
  onboarded,
  startControlSite,
  succeeded,
  tenant,
} from '../src/control/control-site.test-support.ts'
import { plan } from '../src/control/manifests/declared.test-support.ts'
import type { OpenControlPlane } from '../src/control/open-control-plane.ts'
import { type Metering, openMetering } from '../src/metering/open-metering.ts'
import { prepareAlerts } from '../src/records/alert-rows.ts'
import { KeptTenants } from '../src/records/keeping/kept-tenants.ts'
import { RecordsKeeping } from '../src/records/keeping/records-keeping.ts'
import { holdsOf } from '../src/records/log/holds.ts'
import { KeyEncryptionKeys } from '../src/records/log/key-encryption.ts'
import { openLogStore } from '../src/records/log/open-log-store.ts'
import type { PostgresLogStore } from '../src/records/log/postgres-log-store.ts'
import { applyRetention } from '../src/records/log/shred.ts'
import { entriesFor, entryFor } from '../src/records/log/test-logs.test-support.ts'
import { parseVerifierKey } from '../src/transparency/verifier-key.ts'
import { verifyLog } from '../src/transparency/verify-log.ts'
import { usageEventSchema } from '../src/usage/usage-event.ts'

const ACME = tenant('acme')
const GLOBEX = tenant('globex')
const INITECH = tenant('initech')
const DAY_MS = 86_400_000

let site: ControlSite
let plane: OpenControlPlane
let store: PostgresLogStore
let metering: Metering
let kept: KeptTenants
let keeping: RecordsKeeping
let direct: BillingDatabase
let alerts: Alerts
let behaviour: OpenBehaviour
const forgot: string[] = []
let laterMs = 0
const alsoErased: string[] = []
const trouble: string[] = []

before(async () => {
  site = await startControlSite()
  plane = await site.open()
  await fillCatalogue(plane)
  await plane.manifests.apply({ manifests: [plan('standard', { auditDays: 30 })] }, jane)
  for (const name of ['acme', 'globex', 'initech']) await onboarded(plane, name)
  const database = site.settings.rf_records
  store = await openLogStore({
    ...{ database, originPrefix: 'audit.example' },
    keys: new KeyEncryptionKeys([randomBytes(32)]),
    now: () => Date.now() + laterMs,
  })
  metering = await openMetering({ database, log: () => undefined, beatMs: 600_000 })
  await prepareAlerts(database)
  direct = await BillingDatabase.open(database)
  const log = () => undefined
  alerts = await Alerts.open({ store: new StoredAlerts(direct), sinks: () => [], log })
  behaviour = await openBehaviour({ database, alerts, log })
  kept = await KeptTenants.open(database)
  keeping = new RecordsKeeping({
    kept,
    storeOf: () => store,
    erase: {
      usage: (of) => metering.erase(of),
      bills: async (of) => void alsoErased.push(of),
      alerts: (of) => alerts.erase(ownerOf(of)),
      behaviour: (of) => behaviour.forget(of),
    },
    forgetOld: async (now) => forgot.push(now.toISOString().slice(0, 10)),
    now: () => new Date(Date.now() + laterMs),
    log: (line) => trouble.push(line),
  })
})
after(async () => {
  await keeping?.close()
  await behaviour?.close()
  await direct?.close()
  await kept?.close()
  await metering?.close()
  await store?.close()
  await site?.stop()
})

const texts = async (of: typeof ACME) =>
  (await store.read(logOf(of), 0, 1_000)).map(({ entry }) => entry)
const readable = async (of: typeof ACME) =>
  (await texts(of)).filter((entry) => entry?.action === 'lease.granted').length

async function verifies(of: typeof ACME): Promise<void> {
  await store.sign(true)
  const [first] = await store.keys(logOf(of))
  assert.ok(first)
  const { size } = await verifyLog({
    read: (path) => store.resource(logOf(of), path),
    keys: [parseVerifierKey(first.vkey)],
  })
  assert.equal(size, (await texts(of)).length)
}

async function used(of: typeof ACME, id: string): Promise<void> {
  const event = usageEventSchema.parse({
    ...{ specversion: '1.0', id, source: '/gateway/eu-1', type: 'dev.ringfence.request' },
    ...{ time: new Date().toISOString(), tenantid: of },
  })
  await metering.store.add([{ event, reporter: 'gateway' }])
  await metering.settled()
}

/** An alert, a silence, a notice on its way, what is usual, and what was done about what was not. */
async function watched(of: typeof ACME): Promise<void> {
  const at = new Date()
  await alerts.signal({
    ...{ name: 'slo-burn', severity: 'warning', state: 'firing', summary: 'it burns', tenant: of },
    ...{ labels: {}, at },
  })
  const until = new Date(at.getTime() + DAY_MS)
  const why = { by: 'u-1', reason: 'known' }
  await alerts.silence(ownerOf(of), { labels: { slo: 'other' }, until, ...why })
  const rows = [
    `insert into alerts.message (owner, notice, sink, body)
       values ('${ownerOf(of)}', gen_random_uuid(), 'hook', '{}')`,
    `insert into behaviour.baseline (tenant, principal, signal, slot, count, counts)
       values ('${of}', '', 'calls', 1, 1, '{1}')`,
    `insert into behaviour.response (tenant, id, kind, object, detector, reason, until)
       values ('${of}', gen_random_uuid(), 'end-session', 's-1', 'x', 'y', now() + interval '1 day')`,
  ]
  for (const row of rows) await site.ask(row)
}

async function told(of: typeof ACME): Promise<readonly AuditEntry[]> {
  const rows = await site.ask<{ entry: AuditEntry }>(
    `select entry from audit.inbox where entry ->> 'action' = 'records.erased'
       and entry -> 'object' ->> 'id' = $1 and entry ->> 'tenant' is null order by seq`,
    [of],
  )
  return rows.map(({ entry }) => entry)
}

test('a log on legal hold keeps what its plan would erase, and loses it when the hold ends', async () => {
  await store.append([...entriesFor('acme', 3), ...entriesFor('globex', 2)])
  await plane.tenants.update(ACME, { legalHold: true }, undefined, jane)
  await keeping.tend()
  assert.equal((await holdsOf(store, logOf(ACME))).length, 1)
  assert.equal(
    forgot.length,
    0,
    'nothing of what is kept of all together goes while one is on hold',
  )
  laterMs = 70 * DAY_MS
  const days = keeping.daysKept.bind(keeping)
  assert.deepEqual(await applyRetention(store, days), [logOf(GLOBEX)])
  assert.deepEqual([await readable(ACME), await readable(GLOBEX)], [3, 0])

  await plane.tenants.update(ACME, { legalHold: false }, undefined, jane)
  await keeping.tend()
  assert.deepEqual(await holdsOf(store, logOf(ACME)), [])
  await keeping.tend()
  const day = new Date(Date.now() + laterMs).toISOString().slice(0, 10)
  assert.deepEqual([...new Set(forgot)], forgot, 'once a day')
  assert.ok(forgot.includes(day))
  assert.deepEqual(await applyRetention(store, days), [logOf(ACME)])
  assert.equal(await readable(ACME), 0)
  const actions = (await texts(ACME)).map((entry) => entry?.action)
  assert.ok(actions.includes('hold.released') && actions.includes('entries.erased'))
  await verifies(ACME)
  await verifies(GLOBEX)
  // And again: the registry's word can change any number of times.
  await plane.tenants.update(ACME, { legalHold: true }, undefined, jane)
  await keeping.tend()
  assert.equal((await holdsOf(store, logOf(ACME))).length, 1)
  await plane.tenants.update(ACME, { legalHold: false }, undefined, jane)
  await keeping.tend()
  assert.deepEqual(trouble, [])
})

test('what is kept of an erased tenant goes with it, its log is verified as before, and nobody else loses anything', async () => {
  await store.append([...entriesFor('acme', 3), ...entriesFor('globex', 4)])
  await used(ACME, 'a-1')
  await used(GLOBEX, 'g-1')
  await watched(ACME)
  await watched(GLOBEX)
  await keeping.tend()
  assert.equal(await readable(ACME), 3)

  await succeeded(plane, await plane.tenants.offboard(ACME, { purge: true, why: 'it ended' }, jane))
  await keeping.tend()
  assert.deepEqual([await readable(ACME), await readable(GLOBEX)], [0, 4])
  await verifies(ACME)
  const left = await site.ask<{ tenant: string }>('select distinct tenant from usage.event')
  assert.deepEqual(left, [{ tenant: 'globex' }])
  assert.deepEqual(alsoErased, ['acme'])
  for (const table of ['alerts.alert', 'alerts.silence', 'alerts.message']) {
    const owners = await site.ask(`select distinct owner from ${table}`)
    assert.deepEqual(owners, [{ owner: ownerOf(GLOBEX) }], table)
  }
  assert.deepEqual([alerts.firing(ownerOf(ACME)), alerts.silences(ownerOf(ACME))], [[], []])
  assert.equal(alerts.firing(ownerOf(GLOBEX)).length, 1)
  for (const table of ['behaviour.baseline', 'behaviour.response']) {
    const owners = await site.ask(`select distinct tenant from ${table}`)
    assert.deepEqual(owners, [{ tenant: 'globex' }], table)
  }
  const [entry, ...more] = await told(ACME)
  assert.deepEqual(more, [])
  assert.equal(entry?.decision, 'done')
  assert.equal(entry.detail?.['erased'], 'usage bills alerts behaviour')
  assert.match(String(entry.detail?.['checkpoint']), /^audit\.example\/tenant\/acme\n/)

  await keeping.tend()
  assert.equal((await told(ACME)).length, 1, 'once')
  // What a gateway still held comes after the end: it is erased as well.
  await store.append([entryFor('acme', { reason: 'late' })])
  await keeping.tend()
  assert.equal(await readable(ACME), 0)
  assert.equal((await told(ACME)).length, 2)
  await verifies(ACME)
  await keeping.tend()
  assert.equal((await told(ACME)).length, 2)
  assert.deepEqual(trouble, [])
})

test('whoever has an id next loses nothing by the erasure of the one before', async () => {
  await succeeded(
    plane,
    await plane.tenants.offboard(INITECH, { purge: true, why: 'it ended' }, jane),
  )
  await onboarded(plane, 'initech')
  await store.append(entriesFor('initech', 2))
  await keeping.tend()
  assert.equal(await readable(INITECH), 2)
  const [entry] = await told(INITECH)
  assert.equal(entry?.decision, 'failed')
})
