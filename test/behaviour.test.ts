import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import type { AlertSignalInput } from '../src/alerts/alert.ts'
import type { AuditEntry } from '../src/audit/entry.ts'
import { type AuditDraft, makeEntry } from '../src/audit/make-entry.ts'
import { type OpenBehaviour, openBehaviour } from '../src/behaviour/open-behaviour.ts'
import {
  type ControlSite,
  fillCatalogue,
  onboarded,
  startControlSite,
  tenant,
  until,
} from '../src/control/control-site.test-support.ts'
import type { TenantConfig } from '../src/snapshot/snapshot.ts'

const ACME = tenant('acme')
const GLOBEX = tenant('globex')
const PUBLIC = '8.8.4.7'

let site: ControlSite
let open: OpenBehaviour
let told: AlertSignalInput[]
const logged: string[] = []

const opened = () =>
  openBehaviour({
    database: site.settings.rf_records,
    alerts: { signal: async (signal) => void told.push(signal) },
    lookMs: 20,
    log: (line) => void logged.push(line),
  })

before(async () => {
  site = await startControlSite()
  const plane = await site.open()
  await fillCatalogue(plane)
  await onboarded(plane, 'acme')
})
after(async () => {
  await open?.close()
  await site?.stop()
})
beforeEach(async () => {
  await open?.close()
  told = []
  await site.ask(
    `delete from audit.inbox; do $$ begin
       if to_regclass('behaviour.response') is not null then
         truncate behaviour.response, behaviour.baseline;
       end if;
     end $$`,
  )
  open = await opened()
})

const decision = (draft: Partial<AuditDraft>) =>
  makeEntry({
    ...{ category: 'decision', action: 'request.denied', decision: 'denied', layer: 'token' },
    actor: { kind: 'unknown', id: 'unknown' },
    ...draft,
  })
const times = (count: number, make: (place: number) => AuditEntry) =>
  Array.from({ length: count }, (_, place) => make(place))
const forged = (address: string, count = 11) => times(count, () => decision({ address }))
const fromAddresses = (session: string, addresses: readonly string[]) =>
  addresses.map((address) =>
    decision({
      ...{ tenant: ACME, action: 'request.allowed', decision: 'allowed', layer: 'front-door' },
      actor: { kind: 'user', id: 'alice' },
      ...{ address, detail: { session } },
    }),
  )

const revoked = () =>
  site.ask<{ kind: string; tenant: string; id: string }>(
    'select kind, tenant, id from revocation.entry order by seq',
  )
const inbox = async () =>
  (await site.ask<{ entry: AuditEntry }>('select entry from audit.inbox order by seq')).map(
    ({ entry }) => entry,
  )
async function blockedInSnapshot(): Promise<readonly string[]> {
  const [row] = await site.ask<{ value: { blocked?: readonly { network: string }[] } }>(
    `select value from registry.setting where name = 'platform'`,
  )
  return row?.value.blocked?.map(({ network }) => network) ?? []
}
/** What gateways are told of acme's grants. */
async function restrained() {
  const [row] = await site.ask<{ config: Pick<TenantConfig, 'restraints'> }>(
    `select config from snapshot.tenant where id = 'acme'`,
  )
  return (row?.config.restraints ?? []).map((one) => ({ requests: undefined, ...one }))
}
const isBlocked = async (network: string) => (await blockedInSnapshot()).includes(network)

test('an address with invalid claims is blocked in what gateways follow, told to security, and let in again', async () => {
  open.behaviour.entered(forged(PUBLIC))
  await open.settled()
  await until(() => isBlocked(PUBLIC))
  assert.deepEqual(
    told.map(({ name, tenant: whose, severity, labels }) => [
      name,
      whose,
      severity,
      labels?.['for'],
    ]),
    [['invalid-claims', undefined, 'critical', 'security']],
  )
  const [response] = await open.responses.inForce(10)
  assert.ok(response)
  assert.equal(response.object, PUBLIC)
  assert.ok(response.until > new Date())
  await open.responses.undo(response.id, { by: 'jane', reason: 'our own scanner' })
  await until(async () => !(await isBlocked(PUBLIC)))
  await assert.rejects(open.responses.undo(response.id, { by: 'jane', reason: 'again' }), {
    code: 'not_found',
  })
  assert.deepEqual(
    (await inbox()).map((entry) => [entry.action, entry.category, entry.actor.id, entry.tenant]),
    [
      ['response.begun', 'detection', 'behaviour', undefined],
      ['behaviour.found', 'detection', 'behaviour', undefined],
      ['response.undone', 'detection', 'jane', undefined],
    ],
  )
})

test('a block ends by itself', async () => {
  open.behaviour.entered(forged('8.8.4.8'))
  await open.settled()
  await until(() => isBlocked('8.8.4.8'))
  await site.ask(`update behaviour.response set until = now()`)
  await site.ask(`update registry.address_block set until = now()`)
  await until(async () => !(await isBlocked('8.8.4.8')))
  await until(async () => (await open.responses.inForce(10)).length === 0)
  assert.equal((await inbox()).at(-1)?.action, 'response.ended')
})

test('what is not public is told and never blocked', async () => {
  open.behaviour.entered([...forged('127.0.0.1'), ...forged('10.1.2.3'), ...forged('fd00::1')])
  await open.settled()
  assert.equal(told.length, 3)
  assert.deepEqual(await open.responses.inForce(10), [])
})

test('a session with three addresses at once is void, in its own tenant, and its tenant is told', async () => {
  open.behaviour.entered(fromAddresses('s-1', ['8.8.1.1', '8.8.1.2']))
  await open.settled()
  assert.equal(told.length, 0)
  open.behaviour.entered(fromAddresses('s-1', ['8.8.1.3']))
  await open.settled()
  assert.deepEqual((await revoked()).at(-1), { kind: 'session', tenant: 'acme', id: 's-1' })
  assert.deepEqual(
    told.map((signal) => [signal.name, signal.tenant]),
    [['concurrent-addresses', ACME]],
  )
  assert.ok((await inbox()).every((entry) => entry.tenant === ACME))
})

test('a response that is to last is carried on before what it rests on is forgotten', async () => {
  open.behaviour.entered(fromAddresses('s-2', ['8.8.1.1', '8.8.1.2', '8.8.1.3']))
  await open.settled()
  const count = (await revoked()).filter(({ id }) => id === 's-2').length
  assert.equal(count, 1)
  await site.ask(`update behaviour.response set renewed_at = now() - interval '31 minutes'`)
  await until(async () => (await revoked()).filter(({ id }) => id === 's-2').length === 2)
})

test('a partner that wants more than its grant four times has its tokens suspended', async () => {
  const beyond = (place: number) =>
    decision({
      ...{ tenant: ACME, layer: 'action-of-the-grant', grant_id: 'gr-1' },
      actor: { kind: 'user', id: `p-${place}`, tenant: GLOBEX },
    })
  open.behaviour.entered(times(3, beyond))
  await open.settled()
  assert.equal(told.length, 0)
  open.behaviour.entered(times(1, beyond))
  await open.settled()
  assert.deepEqual((await revoked()).at(-1), { kind: 'session', tenant: 'acme', id: 'gr-1' })
  assert.equal(told[0]?.labels?.['for'], 'security-lead')
})

test('what the database lets no detector do is told, and holds up nothing', async () => {
  open.behaviour.entered([
    ...fromAddresses('a session\u00e4', ['8.8.1.1', '8.8.1.2', '8.8.1.3']),
    ...fromAddresses('s-4', ['8.8.1.1', '8.8.1.2', '8.8.1.3']),
  ])
  await open.settled()
  assert.deepEqual(
    told.map(({ detail }) => detail),
    ['done: end-session: refused', 'done: end-session'],
  )
  assert.equal((await revoked()).at(-1)?.id, 's-4')
})

test('a spike under a grant makes the partner authenticate anew, and tells whoever gave the grant', async () => {
  const grantid = `gr-${'a'.repeat(20)}`
  const slot = 300_000
  const begin = Math.floor(Date.now() / slot) * slot
  const calls = (count: number, at: number) =>
    Array.from({ length: count }, (_, place) => ({
      ...({ specversion: '1.0', id: `${at}-${place}`, source: 'urn:g', data: {} } as const),
      ...{ type: 'dev.ringfence.request', subject: `grant:${grantid}`, grantid },
      ...{ time: new Date(at).toISOString(), tenantid: GLOBEX, tenantcontextid: ACME },
    }))
  for (let before = 20; before > 0; before -= 1)
    open.behaviour.used(calls(30, begin - before * slot))
  open.behaviour.used(calls(150, begin))
  await open.settled()
  assert.equal(told.length, 0)
  open.behaviour.used(calls(1, begin))
  await open.settled()
  assert.deepEqual(
    told.map((signal) => [signal.name, signal.tenant]),
    [['cross-tenant-calls', ACME]],
  )
  const voided = { kind: 'subject', tenant: 'acme', id: `grant:${grantid}` }
  assert.deepEqual((await revoked()).at(-1), voided)
  // A fifth of what is a spike: 30 were usual.
  await until(async () => (await restrained()).length === 2)
  assert.deepEqual(
    (await restrained()).map(({ kind, grant, requests }) => [kind, grant, requests]),
    [
      ['challenge', grantid, undefined],
      ['limit', grantid, 30],
    ],
  )
  const [limited] = (await open.responses.inForce(10)).filter(({ kind }) => kind === 'limit-grant')
  assert.ok(limited)
  await open.responses.undo(limited.id, { by: 'jane', reason: 'their migration' })
  await until(async () => (await restrained()).length === 1)
  await site.ask(`update behaviour.response set until = now()`)
  await until(async () => (await restrained()).length === 0)
  assert.deepEqual(
    (await inbox()).map(({ action, tenant: whose, detail }) => [action, whose, detail?.['act']]),
    [
      ['response.begun', ACME, 'limit-grant'],
      ['response.begun', ACME, 'challenge-grant'],
      ['behaviour.found', ACME, undefined],
      ['response.undone', ACME, 'limit-grant'],
      ['response.ended', ACME, 'challenge-grant'],
    ],
  )
})

test('found again while it is in force, it is done once', async () => {
  open.behaviour.entered(forged('8.8.4.9', 44))
  await open.settled()
  assert.equal((await open.responses.inForce(10)).length, 1)
  assert.equal((await inbox()).filter(({ action }) => action === 'response.begun').length, 1)
})

test('what is usual outlives the process, and is gone with its tenant', async () => {
  open.behaviour.entered(
    times(7, () =>
      decision({
        ...{ tenant: ACME, category: 'authentication', action: 'user.signed-in' },
        ...{ actor: { kind: 'user', id: 'alice' }, decision: 'allowed', layer: 'sign-in' },
      }),
    ),
  )
  await open.close()
  open = await opened()
  assert.equal(open.behaviour.baselines.size, 2)
  const rows = await site.ask<{ principal: string; count: string }>(
    `select principal, count from behaviour.baseline where signal = 'sign-ins' order by principal`,
  )
  assert.deepEqual(rows, [
    { principal: '', count: '7' },
    { principal: 'user alice', count: '7' },
  ])
  await open.forget(ACME)
  assert.equal(open.behaviour.baselines.size, 0)
  assert.deepEqual(await site.ask('select from behaviour.baseline'), [])
})

test('while the database is away findings wait, and are acted on when it is back', async () => {
  await site.ask(`alter role rf_records nologin`)
  await site.ask(
    `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'rf_records'`,
  )
  open.behaviour.entered(fromAddresses('s-3', ['8.8.1.1', '8.8.1.2', '8.8.1.3']))
  await until(() => logged.some((line) => line.includes('is not acted on')))
  await site.ask(`alter role rf_records login`)
  await open.settled()
  assert.equal((await revoked()).at(-1)?.id, 's-3')
  assert.equal(told.length, 1)
})
