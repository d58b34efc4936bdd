import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { loadApplication } from '../manifest.ts'
import { startTestSite, type TestSite } from '../test-site.test-support.ts'
import { inspectSites } from './inspect-across.ts'
import { inOrder, inspectSite } from './inspect.ts'
import { wide } from './rule-trials.test-support.ts'

const CLINIC = loadApplication(
  join(import.meta.dirname, '../../../../examples/clinic/ringfence.yaml'),
)

let site: TestSite

before(async () => {
  site = await startTestSite({ application: CLINIC, bridges: true })
  await site.provision('pooled-one')
  await site.provision('pooled-two')
  await site.provision('bridge-one', 'bridge')
  await site.provision('bridge-two', 'bridge')
  for (const id of ['pooled-one', 'bridge-one']) await site.login(id)
})
after(() => site.stop())

const inspect = () => inspectSite(site.site, { throwAway: true })

test('a clean installation with pooled and bridge tenants has no finding that fails a proof', async () => {
  assert.deepEqual(wide(await inspect()), [])
})

test('what is only a remark is about the server\u2019s version', async () => {
  const rules = new Set((await inspect()).map(({ rule }) => rule))
  assert.deepEqual([...rules], ['pg-server-advisory'])
})

test('an inspection changes nothing and says the same twice', async () => {
  assert.deepEqual(await inspect(), await inspect())
})

test('a bridge database is named by the finding, and its neighbours have none', async () => {
  const { place } = await site.provision('bridge-two', 'bridge')
  const admin = await site.admin(place)
  await admin.query('set session_replication_role = replica')
  await admin.query('alter table clinic.note disable row level security')
  assert.deepEqual(wide(await inspect()), [`pg-rls-off ${place}: clinic.note`])
  await admin.query('alter table clinic.note enable row level security')
})

test('several findings at once are mended one by one, in any order', async () => {
  const admin = await site.admin()
  await admin.query('set session_replication_role = replica')
  await admin.query(`alter table clinic.note disable row level security;
    drop policy ringfence_guard on clinic.message;
    grant truncate on clinic.patient to rf_write;
    create index note_by_body on clinic.note (body)`)
  await admin.query('reset session_replication_role')
  const found = (await inspect()).filter(({ severity }) => severity !== 'info')
  assert.equal(found.length, 4)
  for (const { fix } of found) await admin.query(fix ?? '')
  assert.deepEqual(wide(await inspect()), [])
})

test('silos are inspected beside the cell, and the custodian of each has a password of its own', async () => {
  await site.provision('silo-one', 'silo')
  await site.provision('silo-two', 'silo')
  await site.login('silo-one')
  const findings = wide(await site.boundary.inspect())
  // These servers are thrown away after the test, which inspection of a live boundary does not know.
  const durability = /^pg-setting-(fsync|full-page-writes) /
  assert.deepEqual(
    findings.filter((finding) => !durability.test(finding)),
    [],
  )
  assert.equal(findings.filter((finding) => finding.includes('silo-')).length, 4)
})

test('one password for two servers is noticed', async () => {
  const shared = (await inspectSites([site.site, site.site])).filter(
    ({ rule }) => rule === 'pg-shared-credential',
  )
  assert.deepEqual(
    shared.map(({ object }) => object),
    ['rf_admin', 'rf_custodian'],
  )
})

test('the worst comes first', () => {
  const finding = (severity: 'low' | 'critical', rule: string) => ({
    rule,
    severity,
    object: 'o',
    explanation: 'e',
    fix: undefined,
  })
  const sorted = inOrder([finding('low', 'a'), finding('critical', 'z'), finding('critical', 'b')])
  assert.deepEqual(
    sorted.map(({ rule }) => rule),
    ['b', 'z', 'a'],
  )
})
