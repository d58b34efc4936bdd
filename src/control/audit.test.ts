import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { type AuditEntry, auditEntrySchema } from '../audit/entry.ts'
import { grantSchema } from '../contracts/grant.ts'
import { controlApi } from './api/control-api.ts'
import {
  type ControlSite,
  fillCatalogue,
  jane,
  onboarded,
  operator,
  startControlSite,
  tenant,
} from './control-site.test-support.ts'
import { administrator } from './manifests/declared.test-support.ts'
import type { OpenControlPlane } from './open-control-plane.ts'

let site: ControlSite
let plane: OpenControlPlane
const acme = tenant('acme')

before(async () => {
  site = await startControlSite()
  plane = await site.open()
  await fillCatalogue(plane)
  for (const id of ['acme', 'globex', 'initech']) await onboarded(plane, id)
})
after(() => site?.stop())

/** What is in the inbox, each of which must be an entry that a log takes. */
async function entries(): Promise<readonly AuditEntry[]> {
  const rows = await site.ask<{ entry: unknown }>('select entry from audit.inbox order by seq')
  return rows.map(({ entry }) => auditEntrySchema.parse(entry))
}
const of = (all: readonly AuditEntry[], id: string | undefined) =>
  all.filter((entry) => entry.tenant === id)

test('every recorded act is in the platform’s log, with who and at which request', async () => {
  const acts = await site.ask<{ actor: string; action: string; request_id: string }>(
    'select actor, action, request_id from registry.act',
  )
  const platform = of(await entries(), undefined)
  assert.ok(acts.length >= 7)
  for (const { actor, request_id } of acts) {
    assert.ok(platform.some((one) => one.actor.id === actor && one.request_id === request_id))
  }
})

test('a tenant’s log tells its lifecycle step by step, and the status that it has reached', async () => {
  const own = of(await entries(), acme)
  assert.ok(own.some(({ action }) => action === 'tenant.create'))
  assert.ok(own.some(({ action, detail }) => action === 'onboard.done' && detail?.['step']))
  assert.ok(own.some(({ action }) => action === 'onboard.succeeded'))
  assert.ok(
    own.some(({ action, detail }) => action === 'tenant.status' && detail?.['to'] === 'active'),
  )
})

test('a grant is in the logs of both sides, and in nobody else’s', async () => {
  const before = (await entries()).length
  const signedIn = { roles: [], twoFactors: true, beyond: [] }
  const [giver, taker] = ['acme', 'globex'].map((id) => ({ ...administrator(id), signedIn }))
  assert.ok(giver && taker)
  const day = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString()
  const offer = grantSchema.omit({ id: true }).parse({
    ...{ grantee: 'globex', subject: 'kim', scopes: ['read'], apis: ['clinic'], actions: ['read'] },
    ...{ resources: ['/patients'], notBefore: day(-1), expires: day(7), bills: 'grantor' },
  })
  const { id } = await plane.grants.offer(offer, giver)
  await plane.grants.accept(id, taker)
  await plane.grants.revoke(id, giver)
  const made = (await entries()).slice(before)
  for (const side of ['acme', 'globex']) {
    const own = of(made, side)
    assert.deepEqual(
      own.map(({ action }) => action),
      ['grant.offer', 'grant.accept', 'grant.revoke'],
    )
    assert.ok(own.every(({ grant_id }) => grant_id === id))
  }
  assert.deepEqual(of(made, 'initech'), [])
  // Its own people by name, the partner's only by where they come from.
  const [offered, accepted] = of(made, 'acme')
  assert.equal(offered?.actor.id, giver.name)
  assert.deepEqual(accepted?.actor, { kind: 'user', id: 'administrator', tenant: 'globex' })
})

test('a tenant’s log names no other tenant and no operator', async () => {
  const secret = operator('olga-the-operator')
  const { revision } = await plane.tenants.get(acme)
  await plane.tenants.update(
    acme,
    { displayName: 'Acme, once globex and initech' },
    revision,
    secret,
  )
  await plane.tenants.suspend(acme, 'as globex asked', secret)
  await plane.operators.create(
    { name: 'initech-reader', scopes: ['configuration:read'], tenant: acme },
    secret,
  )
  const texts = of(await entries(), acme)
    .filter(({ category }) => category !== 'grant')
    .map((entry) => JSON.stringify(entry))
  assert.ok(texts.length > 10)
  for (const text of texts) assert.doesNotMatch(text, /globex|initech|olga|jane/)
})

test('who is not let in is in the platform’s log alone, and never by a credential', async () => {
  const before = (await entries()).length
  const api = controlApi(plane, { version: '1', addressOf: () => '192.0.2.7' })
  const ask = (token: string) =>
    api.request('/v1/tenants', { headers: { authorization: `Bearer ${token}` } })
  assert.equal((await ask('guessed-token-of-nobody')).status, 401)
  const { token } = await plane.operators.create({ name: 'late', scopes: ['jobs:write'] }, jane)
  assert.equal((await ask(token)).status, 403)
  const made = (await entries()).slice(before).filter(({ action }) => action === 'operator.refused')
  assert.deepEqual(
    made.map(({ actor }) => actor),
    [
      { kind: 'unknown', id: 'unknown' },
      { kind: 'operator', id: 'late' },
    ],
  )
  for (const entry of made) {
    assert.equal(entry.tenant, undefined)
    assert.equal(entry.address, '192.0.2.7')
    assert.ok(!JSON.stringify(entry).includes(token))
  }
})

test('what cannot be entered does not happen, and leaves nothing in the registry', async () => {
  await site.ask(`create function public.refuse() returns trigger language plpgsql as
    $$ begin raise exception 'the disk is full'; end $$;
    create trigger refuse before insert on audit.inbox execute function public.refuse()`)
  try {
    const globex = tenant('globex')
    const before = await plane.tenants.get(globex)
    const acts = () => site.ask('select id from registry.act')
    const known = (await acts()).length
    const { revision } = before
    await assert.rejects(plane.tenants.update(globex, { displayName: 'Other' }, revision, jane))
    await assert.rejects(plane.tenants.suspend(globex, 'because', jane))
    await assert.rejects(plane.operators.create({ name: 'later', scopes: ['tenants:read'] }, jane))
    assert.deepEqual(await plane.tenants.get(globex), before)
    assert.equal((await acts()).length, known)
    assert.deepEqual(await site.ask(`select from registry.operator where name = 'later'`), [])
  } finally {
    await site.ask('drop trigger refuse on audit.inbox')
  }
})

test('who acts can add to the inbox and neither read nor change it, and gateways not even that', async () => {
  const entry = JSON.stringify([{ id: '4f7c2a5e-0000-4000-8000-000000000000', tenant: 'acme' }])
  const submit = `select audit.submit('${entry}'::jsonb)`
  const may = async (role: keyof ControlSite['settings'], sql: string) => {
    const client = new pg.Client(site.settings[role])
    await client.connect()
    try {
      await client.query('begin')
      return await client.query(sql).then(
        () => true,
        (error: unknown) => {
          assert.ok(error instanceof pg.DatabaseError)
          return false
        },
      )
    } finally {
      await client.end()
    }
  }
  const read = 'select entry from audit.inbox'
  const remove = 'delete from audit.inbox'
  const change = `update audit.inbox set entry = '{}'`
  const insert = `insert into audit.inbox (source, entry) values ('rf_control', '{}')`
  for (const role of ['rf_control', 'rf_identity'] as const) {
    assert.equal(await may(role, submit), true)
    for (const sql of [read, remove, change, insert]) assert.equal(await may(role, sql), false)
  }
  for (const role of ['rf_gateway', 'rf_vending'] as const) {
    for (const sql of [submit, read, remove]) assert.equal(await may(role, sql), false)
  }
  for (const sql of [read, remove]) assert.equal(await may('rf_records', sql), true)
  for (const sql of [change, insert]) assert.equal(await may('rf_records', sql), false)
  for (const bad of ['{}', '[]', '[{}]', '[{"id":"x"}]', 'null', '[{"id":null}]']) {
    assert.equal(await may('rf_control', `select audit.submit('${bad}'::jsonb)`), false)
  }
})
