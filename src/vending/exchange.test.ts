import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  contextOf,
  ask,
  assertionOf,
  given,
  KEYS,
  openWorld,
  type World,
} from './world.test-support.ts'

let world: World
before(async () => {
  world = await openWorld()
})
after(() => world.close())

describe('an exchange', () => {
  test('gives a lease of the context’s tenant, in the names of RFC 8693 and of Vault', async () => {
    const response = await ask(world, { fields: { scope: 'write' } })
    assert.equal(response.status, 200)
    assert.equal(response.headers.get('cache-control'), 'no-store')
    const answer = (await response.json()) as Record<string, unknown>
    const [record] = world.leaser.live('acme')
    assert.equal(record?.scope, 'write')
    assert.equal(record?.holder, 'clinic-web')
    assert.equal(answer['lease_id'], record?.lease_id)
    assert.equal(answer['request_id'], response.headers.get('x-request-id'))
    assert.equal(answer['issued_token_type'], 'urn:ringfence:params:token-type:memory-credential')
    assert.equal(answer['token_type'], 'N_A')
    assert.equal(answer['scope'], 'write')
    assert.equal(answer['renewable'], true)
    assert.equal(answer['warnings'], null)
    assert.equal(answer['expires_in'], answer['lease_duration'])
    // The plan allows less than the 900 seconds that are asked for when nothing is said.
    assert.ok(Number(answer['lease_duration']) > 500 && Number(answer['lease_duration']) <= 600)
    const data = answer['data'] as Record<string, unknown>
    assert.deepEqual(Object.keys(data), ['host', 'port', 'database', 'user', 'password'])
    const token = Buffer.from(String(answer['access_token']), 'base64url').toString()
    assert.deepEqual(JSON.parse(token), data)
  })

  test('gives one workload the same lease again, and another workload one of its own', async () => {
    const subject_token = await contextOf('globex')
    const first = await given(ask(world, { fields: { subject_token } }))
    const again = await given(ask(world, { fields: { subject_token } }))
    assert.equal(again.lease_id, first.lease_id)
    const client_assertion = await assertionOf('clinic-report', KEYS.report)
    const other = await given(ask(world, { fields: { subject_token, client_assertion } }))
    assert.notEqual(other.lease_id, first.lease_id)
    assert.deepEqual(
      world.leaser.live('globex').map(({ holder }) => holder),
      ['clinic-web', 'clinic-report'],
    )
  })

  test('reads nothing about the tenant from anywhere but the context', async () => {
    const answer = await given(
      ask(world, {
        fields: { tenant: 'globex', tenant_id: 'globex', lease_id: 'x' },
        headers: { 'x-tenant': 'globex', 'ringfence-context': await contextOf('globex') },
      }),
    )
    assert.match(answer.data.user, /^acme-/)
  })

  test('gives a shorter lease to whoever asks for one', async () => {
    const answer = await given(ask(world, { fields: { lease_seconds: '30' } }))
    assert.ok(answer.lease_duration <= 30)
  })

  test('gives a paused tenant what only reads', async () => {
    const fields = { subject_token: await contextOf('umbrella'), scope: 'read' }
    assert.equal((await ask(world, { fields })).status, 200)
  })

  test('says how much of each limit is left', async () => {
    const { headers } = await ask(world)
    assert.match(String(headers.get('ratelimit-policy')), /"tenant";q=100000;w=60/)
    assert.match(String(headers.get('ratelimit')), /"tenant";r=99\d{3};t=\d+/)
  })
})

describe('a job', () => {
  test('gets a lease that ends with it and cannot be renewed', async () => {
    const subject_token = await contextOf('acme', { kind: 'job', seconds: 45 })
    const answer = await given(ask(world, { fields: { subject_token } }))
    assert.ok(answer.lease_duration <= 45)
    assert.equal(answer.renewable, false)
  })

  test('gets the same lease for as long as it runs, and another job another', async () => {
    const one = await contextOf('globex', { kind: 'job', seconds: 45 })
    const two = await contextOf('globex', { kind: 'job', seconds: 45 })
    const [first, again, other] = [
      await given(ask(world, { fields: { subject_token: one } })),
      await given(ask(world, { fields: { subject_token: one } })),
      await given(ask(world, { fields: { subject_token: two } })),
    ]
    assert.equal(again.lease_id, first.lease_id)
    assert.notEqual(other.lease_id, first.lease_id)
  })
})

describe('what is not a request of ours', () => {
  const cases: readonly (readonly [string, Parameters<typeof ask>[1], number, string])[] = [
    ['another grant type', { fields: { grant_type: 'password' } }, 400, 'unsupported_grant_type'],
    ['no grant type', { fields: { grant_type: undefined } }, 400, 'invalid_request'],
    ['no assertion', { fields: { client_assertion: undefined } }, 401, 'invalid_client'],
    [
      'another kind of assertion',
      { fields: { client_assertion_type: 'x' } },
      401,
      'invalid_client',
    ],
    ['an assertion of no form', { fields: { client_assertion: 'abc' } }, 401, 'invalid_client'],
    ['no subject token', { fields: { subject_token: undefined } }, 400, 'invalid_request'],
    ['another type of token', { fields: { subject_token_type: 'x' } }, 400, 'invalid_request'],
    ['a context of no form', { fields: { subject_token: 'a.b.c' } }, 400, 'invalid_grant'],
    ['an unknown scope', { fields: { scope: 'admin' } }, 400, 'invalid_scope'],
    ['two scopes', { fields: { scope: 'read write' } }, 400, 'invalid_scope'],
    ['no number of seconds', { fields: { lease_seconds: '1e3' } }, 400, 'invalid_request'],
    ['JSON', { headers: { 'content-type': 'application/json' } }, 400, 'invalid_request'],
    ['a form that is too long', { tail: `&pad=${'x'.repeat(30_000)}` }, 400, 'invalid_request'],
    [
      'a token that is too long',
      { fields: { subject_token: 'x'.repeat(9_000) } },
      400,
      'invalid_grant',
    ],
  ]
  for (const [what, asked, status, error] of cases) {
    test(`${what} is ${error}, and no lease is opened`, async () => {
      const before = world.leaser.records.length
      const response = await ask(world, asked)
      assert.equal(response.status, status)
      assert.deepEqual(await response.json(), { error })
      assert.equal(response.headers.get('cache-control'), 'no-store')
      assert.equal(world.leaser.records.length, before)
    })
  }

  test('another path or method is not found', async () => {
    for (const [path, method] of [
      ['/v1/token', 'GET'],
      ['/v1/leases', 'POST'],
      ['/', 'GET'],
    ] as const) {
      assert.equal((await world.vending.app.request(path, { method })).status, 404)
    }
  })
})
