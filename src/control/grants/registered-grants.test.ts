import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { AskRealm } from '../../administration/operations.ts'
import { grantSchema } from '../../contracts/grant.ts'
import { type ErrorCode, RingfenceError } from '../../core/errors.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { Revocation } from '../../revocation/revocation.ts'
import type { TenantConfig } from '../../snapshot/snapshot.ts'
import {
  type ControlSite,
  fillCatalogue,
  jane,
  onboarded,
  startControlSite,
  tenant,
} from '../control-site.test-support.ts'
import { administrator } from '../manifests/declared.test-support.ts'
import type { Actor } from '../control-plane.ts'
import { Database } from '../database.ts'
import type { OpenControlPlane } from '../open-control-plane.ts'
import type { GrantOffer } from './grants.ts'

const DAY_MS = 86_400_000
let site: ControlSite
let plane: OpenControlPlane
const revoked: Revocation[] = []
const asked: { readonly tenant: string; readonly input: object }[] = []
/** As an identity plane answers: three tokens under whichever grant. */
const ask = (async (_name: string, tenant: TenantId, input: { limit?: number; after?: string }) => {
  asked.push({ tenant, input })
  const uses = ['c', 'b', 'a'].map((token) => ({
    ...{ grant: 'gr-1', side: 'grantor', token, scopes: ['read'] },
    at: '2026-01-02T03:04:05.000Z',
  }))
  const rest = uses.filter(
    ({ token }) => input.after === undefined || token < input.after.slice(-1),
  )
  return { items: rest.slice(0, input.limit) }
}) as unknown as AskRealm
const [byGiver, byTaker, byThird] = ['acme', 'globex', 'initech'].map(signedIn) as [
  Actor,
  Actor,
  Actor,
]
before(async () => {
  site = await startControlSite()
  plane = await site.open({
    ports: { ...site.ports, administration: ask },
    revocations: {
      publisher: {
        async publish(rows, revocation) {
          await rows.query('select 1')
          revoked.push(revocation)
        },
      },
    },
  })
  await fillCatalogue(plane)
  for (const tenant of ['acme', 'globex', 'initech']) await onboarded(plane, tenant)
})
after(() => site?.stop())

function signedIn(tenant: string): Actor {
  return { ...administrator(tenant), signedIn: { roles: [], twoFactors: true, beyond: [] } }
}

const moment = (days: number) => new Date(Date.now() + days * DAY_MS).toISOString()
const offerOf = (change: object = {}): GrantOffer =>
  grantSchema.omit({ id: true }).parse({
    grantee: 'globex',
    subject: 'kim',
    scopes: ['read'],
    apis: ['clinic'],
    actions: ['read'],
    resources: ['/patients'],
    notBefore: moment(-1),
    expires: moment(7),
    bills: 'grantor',
    ...change,
  })
const offer = (change?: object) => plane.grants.offer(offerOf(change), byGiver)
const refused = (work: Promise<unknown>, code: ErrorCode) =>
  assert.rejects(work, (error) => error instanceof RingfenceError && error.code === code)
async function served(tenant: string): Promise<readonly string[]> {
  const [row] = await site.ask<{ config: TenantConfig }>(
    'select config from snapshot.tenant where id = $1',
    [tenant],
  )
  return row?.config.grants?.map(({ id }) => id) ?? []
}

test('a grant is in force when both sides agreed, and identity can read it then and not before', async () => {
  const { id, state } = await offer()
  assert.equal(state, 'offered')
  assert.ok(!(await served('acme')).includes(id))
  const active = await plane.grants.accept(id, byTaker)
  assert.equal(active.state, 'active')
  assert.ok((await served('acme')).includes(id))
  assert.deepEqual(await served('globex'), [])
  const found = async (tenant: TenantId | string) =>
    site.ask<{ found: { id: string } | null }>('select snapshot.grant_of($1, $2) as found', [
      tenant,
      id,
    ])
  assert.equal((await found('acme'))[0]?.found?.id, id)
  assert.equal((await found('globex'))[0]?.found, null)
})

test('either side ends it at once: out of the configuration, and what was issued is void', async () => {
  for (const by of [byGiver, byTaker]) {
    const { id } = await offer()
    await plane.grants.accept(id, byTaker)
    const over = await plane.grants.revoke(id, by)
    assert.equal(over.state, 'revoked')
    assert.ok(!(await served('acme')).includes(id))
    assert.ok(
      revoked.some((one) => one.kind === 'session' && one.tenant === 'acme' && one.id === id),
    )
    assert.equal((await plane.grants.revoke(id, by)).state, 'revoked')
    await refused(plane.grants.accept(id, byTaker), 'conflict')
  }
})

test('nobody agrees in a tenant’s place: not the other side, not an operator, not a token', async () => {
  const { id } = await offer()
  await refused(plane.grants.accept(id, byGiver), 'forbidden')
  await refused(plane.grants.accept(id, jane), 'forbidden')
  await refused(plane.grants.accept(id, { ...byTaker, kind: 'operator' }), 'forbidden')
  await refused(plane.grants.accept(id, { ...byTaker, scopes: [] }), 'forbidden')
  // What an operator can make for itself, and a sign-in that one stolen password is enough for.
  await refused(plane.grants.accept(id, administrator('globex')), 'forbidden')
  await refused(plane.grants.offer(offerOf(), administrator('acme')), 'forbidden')
  const oneFactor = { roles: [], twoFactors: false, beyond: [] }
  await refused(plane.grants.accept(id, { ...byTaker, signedIn: oneFactor }), 'forbidden')
  await refused(plane.grants.offer(offerOf(), jane), 'forbidden')
  assert.equal((await plane.grants.get(id, byGiver)).state, 'offered')
})

test('of a grant between others there is nothing to see, and nothing to end', async () => {
  const { id } = await offer()
  for (const act of ['get', 'accept', 'refuse', 'revoke'] as const) {
    await refused(plane.grants[act](id, byThird), 'not_found')
  }
  assert.deepEqual(await plane.grants.list(byThird), [])
})

test('each side sees who spoke for it, and of the other that somebody did', async () => {
  const { id } = await offer()
  await plane.grants.accept(id, byTaker)
  const seen = async (by: typeof jane) =>
    (await plane.grants.get(id, by)).events.map((event) => event.by)
  assert.deepEqual(await seen(byGiver), [byGiver.name, undefined])
  assert.deepEqual(await seen(byTaker), [undefined, byTaker.name])
})

test('each side reads what came of a grant in its own record, in pages that are nobody else’s', async () => {
  const { id } = await offer()
  for (const [by, tenant] of [
    [byGiver, 'acme'],
    [byTaker, 'globex'],
    [jane, 'acme'],
  ] as const) {
    const first = await plane.grants.uses(id, { limit: 2 }, by)
    assert.deepEqual(
      first.items.map(({ token }) => token),
      ['c', 'b'],
    )
    const cursor = String(first.next)
    const { items, next } = await plane.grants.uses(id, { limit: 2, cursor }, by)
    assert.deepEqual([items.map(({ token }) => token), next], [['a'], undefined])
    assert.deepEqual(asked.at(-1), {
      tenant,
      input: { grant: id, limit: 3, after: `${Date.parse('2026-01-02T03:04:05Z')}.b` },
    })
  }
  const { next } = await plane.grants.uses(id, { limit: 1 }, byGiver)
  const cursor = String(next)
  await refused(plane.grants.uses(id, { limit: 1, cursor }, byTaker), 'invalid_argument')
  const before = asked.length
  await refused(plane.grants.uses(id, { limit: 1 }, byThird), 'not_found')
  await refused(plane.grants.uses(id, { limit: 1 }, { ...byGiver, scopes: [] }), 'forbidden')
  assert.equal(asked.length, before)
})

test('an offer to a tenant or a principal that there is not looks like any other', async () => {
  const known = await offer()
  const unknown = await offer({ grantee: 'nobody-at-all', subject: 'no-one' })
  assert.deepEqual(Object.keys(unknown), Object.keys(known))
  assert.equal(unknown.state, 'offered')
  await plane.grants.revoke(unknown.id, byGiver)
  // Nobody who comes to be called so finds it in a log.
  const logsOf = async (id: string) =>
    (
      await site.ask<{ tenant: string | null }>(
        `select distinct entry ->> 'tenant' as tenant from audit.inbox
          where entry ->> 'grant_id' = $1 order by 1`,
        [id],
      )
    ).map((row) => row.tenant)
  assert.deepEqual(await logsOf(known.id), ['acme', 'globex', null])
  assert.deepEqual(await logsOf(unknown.id), ['acme', null])
})

test('an offer is to somebody else, and has an end that is near enough', async () => {
  await refused(offer({ grantee: 'acme' }), 'invalid_argument')
  await refused(offer({ expires: moment(-0.5) }), 'invalid_argument')
  await refused(offer({ expires: moment(400) }), 'invalid_argument')
})

test('what was refused, and what has expired, is not agreed to any more', async () => {
  const { id } = await offer()
  assert.equal((await plane.grants.refuse(id, byTaker)).state, 'refused')
  await refused(plane.grants.accept(id, byTaker), 'conflict')
  const late = await offer()
  await site.ask('update registry.delegation set expires_at = now() where id = $1', [late.id])
  await refused(plane.grants.accept(late.id, byTaker), 'conflict')
  assert.equal((await plane.grants.get(late.id, byGiver)).state, 'expired')
})

test('no statement makes a grant active to which the grantee has not agreed', async () => {
  const { id } = await offer()
  await assert.rejects(
    site.ask(`update registry.delegation set state = 'active' where id = $1`, [id]),
    /delegation_agreed/,
  )
})

test('identity asks for one tenant’s hosts and grants, and reads nothing else that is published', async () => {
  const host = 'app.acme.example'
  await plane.tenants.update(tenant('acme'), { hosts: [host] }, undefined, jane)
  const identity = new Database(site.settings.rf_identity)
  try {
    const hostsOf = async (id: string) =>
      (await identity.query<{ host: string }>('select snapshot.hosts_of($1) as host', [id])).map(
        (row) => row.host,
      )
    assert.deepEqual(await hostsOf('acme'), [host])
    assert.deepEqual([await hostsOf('globex'), await hostsOf('nobody')], [[], []])
    for (const table of ['tenant', 'host', 'head', 'change']) {
      await assert.rejects(identity.query(`select * from snapshot.${table}`), table)
    }
  } finally {
    await identity.close()
  }
})
