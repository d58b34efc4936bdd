import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { RingfenceError } from '../core/errors.ts'
import { parseSubject } from '../core/names.ts'
import { parseTenantId } from '../core/tenant.ts'
import type { Revocation } from '../revocation/revocation.ts'
import type { TenantContext } from '../tokens/tenant-context.ts'
import { ask, contextOf, given, openWorld, type World } from './world.test-support.ts'

let world: World
beforeEach(async () => {
  world = await openWorld()
})
afterEach(() => world.close())

const ACME = parseTenantId('acme')
const live = (tenant = 'acme') => world.leaser.live(tenant).map(({ lease_id }): string => lease_id)
const settle = () => new Promise((resolve) => setImmediate(resolve))

/** A user of acme's with a session and a token of its own. */
function user(name: string, session = `${name}-1`): Partial<TenantContext> {
  return {
    subject: parseSubject(name),
    session,
    origin: {
      id: `token-of-${session}`,
      client: name === 'robot' ? 'batch' : 'web',
      issuedAt: new Date(Math.floor(Date.now() / 1000) * 1000 - 10_000),
    },
  }
}

async function fieldsFor(context: Partial<TenantContext>, tenant = 'acme', scope = 'read') {
  return { scope, subject_token: await contextOf(tenant, context) }
}
const leaseFor = async (context: Partial<TenantContext>, tenant = 'acme', scope = 'read') =>
  (await given(ask(world, { fields: await fieldsFor(context, tenant, scope) }))).lease_id

type Named = { [K in Revocation['kind']]: Omit<Extract<Revocation, { kind: K }>, 'at'> }
type WithoutTime = Named[Revocation['kind']]
async function revoke(...what: readonly WithoutTime[]): Promise<void> {
  const at = new Date()
  world.revocations.revoke(...what.map((one): Revocation => ({ ...one, at })))
  await world.vending.settled()
}

const kinds: Readonly<Record<string, WithoutTime>> = {
  token: { kind: 'token', tenant: ACME, id: 'token-of-ann-1' },
  session: { kind: 'session', tenant: ACME, id: 'ann-1' },
  subject: { kind: 'subject', tenant: ACME, id: parseSubject('ann') },
  client: { kind: 'client', tenant: ACME, id: 'web' },
  tenant: { kind: 'tenant', tenant: ACME },
  everything: { kind: 'everything' },
}

describe('a lease that was given on behalf of a user', () => {
  for (const [kind, revocation] of Object.entries(kinds)) {
    test(`ends when its ${kind} is revoked, and the context gets no other`, async () => {
      const context = user('ann')
      await leaseFor(context)
      const others = await leaseFor(user('ann'), 'globex')
      await revoke(revocation)
      assert.deepEqual(live(), [])
      assert.deepEqual(live('globex'), kind === 'everything' ? [] : [others])
      const answer = await ask(world, { fields: await fieldsFor(context) })
      assert.deepEqual([answer.status, await answer.text()], [400, '{"error":"invalid_grant"}'])
      const ended = world
        .journal()
        .filter(({ act, tenant }) => act === 'ended' && tenant === 'acme')
      assert.deepEqual(
        ended.map(({ layer, reason }) => [layer, reason]),
        [['context', 'revoked']],
      )
    })
  }

  test('ends when the user is taken away, also where others were given the same', async () => {
    const lease = await leaseFor(user('ann'))
    assert.equal(await leaseFor(user('bob')), lease)
    await revoke({ kind: 'subject', tenant: ACME, id: parseSubject('bob') })
    assert.deepEqual(live(), [])
    const next = await leaseFor(user('ann'))
    assert.notEqual(next, lease)
    assert.deepEqual(live(), [next])
  })

  test('goes on when one of several sessions ends, and ends with the last', async () => {
    const lease = await leaseFor(user('ann'))
    await leaseFor(user('bob'))
    await revoke({ kind: 'session', tenant: ACME, id: 'ann-1' })
    assert.deepEqual(live(), [lease])
    assert.equal((await ask(world, { fields: await fieldsFor(user('ann')) })).status, 400)
    await revoke({ kind: 'token', tenant: ACME, id: 'token-of-bob-1' })
    assert.deepEqual(live(), [])
  })

  test('goes on when another user, client or tenant is revoked', async () => {
    const lease = await leaseFor(user('ann'))
    await revoke(
      { kind: 'subject', tenant: ACME, id: parseSubject('bob') },
      { kind: 'subject', tenant: parseTenantId('globex'), id: parseSubject('ann') },
      { kind: 'client', tenant: ACME, id: 'batch' },
      { kind: 'tenant', tenant: parseTenantId('globex') },
    )
    assert.deepEqual(live(), [lease])
    assert.equal(await leaseFor(user('ann')), lease)
  })

  test('is another one after the user has signed in anew', async () => {
    const before = await leaseFor(user('ann'))
    await revoke({ kind: 'subject', tenant: ACME, id: parseSubject('ann') })
    const issuedAt = new Date((Math.floor(Date.now() / 1000) + 1) * 1000)
    const anew = { ...user('ann', 'ann-2'), origin: { id: 't', client: 'web', issuedAt } }
    assert.notEqual(await leaseFor(anew), before)
  })
})

describe('what is signed after the revocation', () => {
  test('by a gateway that had not heard of it stands on the same token, and gets nothing', async () => {
    await revoke({ kind: 'subject', tenant: ACME, id: parseSubject('ann') })
    const answer = await ask(world, { fields: await fieldsFor(user('ann')) })
    assert.equal(answer.status, 400)
  })
})

describe('a job', () => {
  const job = () =>
    contextOf('acme', { kind: 'job', subject: parseSubject('job:exec'), seconds: 600 })
  const idOf = (token: string): string =>
    JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).jti

  test('loses its lease when its own context is revoked, and no other job does', async () => {
    const [one, other] = [await job(), await job()]
    await given(ask(world, { fields: { subject_token: one } }))
    const kept = (await given(ask(world, { fields: { subject_token: other } }))).lease_id
    await revoke({ kind: 'token', tenant: ACME, id: idOf(one) })
    assert.deepEqual(live(), [kept])
    assert.equal((await ask(world, { fields: { subject_token: one } })).status, 400)
  })

  test('loses its lease when the tenant’s access is revoked', async () => {
    await given(ask(world, { fields: { subject_token: await job() } }))
    await revoke({ kind: 'tenant', tenant: ACME })
    assert.deepEqual(live(), [])
  })
})

describe('a revocation', () => {
  test('while the lease is being opened lets nobody have it, and ends it', async () => {
    const gate = Promise.withResolvers<void>()
    world.leaser.gate = gate.promise
    const asking = ask(world, { fields: await fieldsFor(user('ann')) })
    while (world.leaser.waiting === 0) await settle()
    const revoking = revoke({ kind: 'session', tenant: ACME, id: 'ann-1' })
    gate.resolve()
    assert.equal((await asking).status, 400)
    await revoking
    await world.vending.settled()
    assert.deepEqual(live(), [])
  })

  test('while the cell is away ends the lease when it is back, once', async () => {
    await leaseFor(user('ann'))
    world.leaser.failure = new RingfenceError('engine_unavailable', 'away')
    world.revocations.revoke({ kind: 'session', tenant: ACME, id: 'ann-1', at: new Date() })
    world.revocations.revoke({ kind: 'tenant', tenant: ACME, at: new Date() })
    while (!world.logged.some((line) => line.includes('trying again'))) await settle()
    assert.equal(live().length, 1)
    world.leaser.failure = undefined
    await world.vending.settled()
    assert.deepEqual(live(), [])
    assert.equal(world.journal().filter(({ act }) => act === 'ended').length, 1)
  })

  test('while vending was down ends its leases when it starts: the journal knows for whom they were', async () => {
    const both = await leaseFor(user('ann'))
    await leaseFor(user('bob'))
    const write = await leaseFor(user('robot'), 'acme', 'write')
    await world.restart(() => {
      const at = new Date()
      world.revocations.revoke(
        { kind: 'session', tenant: ACME, id: 'ann-1', at },
        { kind: 'client', tenant: ACME, id: 'batch', at },
      )
    })
    await world.vending.settled()
    assert.deepEqual(live(), [both])
    assert.ok(!live().includes(write))
  })

  test('that cannot be known denies everybody alike, and takes nothing away', async () => {
    const lease = await leaseFor(user('ann'))
    world.revocations.known = false
    const answers = await Promise.all(
      ['acme', 'globex'].map(async (tenant) =>
        ask(world, { fields: await fieldsFor(user('ann'), tenant) }),
      ),
    )
    for (const answer of answers) {
      assert.equal(answer.status, 503)
      assert.ok(Number(answer.headers.get('retry-after')) >= 1)
      assert.equal(await answer.text(), '{"error":"temporarily_unavailable"}')
    }
    assert.equal((await world.vending.app.request('/readyz')).status, 503)
    assert.deepEqual(live(), [lease])
    world.revocations.known = true
    assert.equal(await leaseFor(user('ann')), lease)
  })
})

test('a grant says for whom, by which session and token, and who acts', async () => {
  const context = { ...user('ann'), actor: { subject: parseSubject('support:kim') } }
  await leaseFor(context)
  const grant = world.journal().find(({ act }) => act === 'grant')
  assert.equal(grant?.subject, 'ann')
  assert.equal(grant.session, 'ann-1')
  assert.equal(grant.actor, 'support:kim')
  assert.deepEqual(grant.token, {
    id: 'token-of-ann-1',
    client: 'web',
    issued_at: context.origin?.issuedAt.toISOString(),
  })
})
