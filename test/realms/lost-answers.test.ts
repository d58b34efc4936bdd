import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { RingfenceError } from '../../src/core/errors.ts'
import { good, type RealmGround, realmGround } from './realm-ground.test-support.ts'

/** The identity plane away, and answers of it that never came: a repeat makes nothing twice. */
let ground: RealmGround
before(async () => {
  ground = await realmGround()
  await ground.tenant('acme')
})
after(() => ground.stop())

const at = (path: string) => `/v1/tenants/acme${path}`
const call: RealmGround['call'] = (...args) => ground.call(...args)
const keyed = (key: string) => ({ headers: { 'idempotency-key': key } })

/** The next call is carried out, and its answer lost. */
function loseNext(): void {
  const { through } = ground
  ground.through = (ask) => async (name, tenant, input, more) => {
    const answer = await ask(name, tenant, input, more)
    if (more === undefined) return answer
    ground.through = through
    throw new RingfenceError('engine_unavailable', 'the answer was lost')
  }
}

/** One call whose first answer is lost, and the same once more. */
async function twice(method: string, path: string, body?: object) {
  const key = keyed(`${method}-${path.replaceAll(/[^a-z-]/g, '')}`)
  loseNext()
  const lost = await call(method, at(path), body, key)
  assert.deepEqual([lost.status, lost.headers.get('retry-after')], [503, '1'])
  return call(method, at(path), body, key)
}

const count = async (path: string) => good(await call('GET', at(path))).items.length

describe('an answer that was lost', () => {
  test('a user and a group are made once', async () => {
    const user = good(await twice('POST', '/users', { display_name: 'A', email: 'a@b.example' }))
    assert.equal(good(await call('GET', at(`/users/${user.id}`))).display_name, 'A')
    assert.equal(await count('/users'), 1)
    const group = good(await twice('POST', '/groups', { display_name: 'G' }))
    assert.equal(await count('/groups'), 1)
    good(await twice('DELETE', `/groups/${group.id}`))
    good(await twice('DELETE', `/users/${user.id}`))
    assert.equal(await count('/users'), 0)
  })

  test('a secret that nobody got opens nothing, and there is one token, not two', async () => {
    const { client, secret } = good(await twice('POST', '/clients', { client: 'robot' }))
    const asked = await fetch(`${ground.origin}/realms/acme/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${client.id}:${secret}`)}` },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    })
    assert.equal(asked.status, 200)
    const made = good(await twice('POST', '/scim-tokens', { name: 'Okta' }))
    assert.equal(await count('/scim-tokens'), 1)
    const scim = await fetch(`${ground.origin}/realms/acme/scim/v2/Users`, {
      headers: { authorization: `Bearer ${made.secret}` },
    })
    assert.equal(scim.status, 200)
    good(await twice('DELETE', `/scim-tokens/${made.token.id}`))
    good(await twice('DELETE', '/clients/robot'))
  })

  test('the record says that it was asked for twice, and once in vain', async () => {
    const before = await actions()
    good(await twice('PUT', '/roles/nurse', {}))
    assert.deepEqual((await actions()).slice(before.length), [
      'role.put',
      'role.put.unanswered',
      'role.put',
    ])
  })
})

describe('the identity plane away', () => {
  test('is 503 with Retry-After for everything, and nothing is half done', async () => {
    const open = await ground.shut()
    for (const [method, path, body] of [
      ['GET', '/users', undefined],
      ['GET', '/realm', undefined],
      ['POST', '/users', { user_name: 'away' }],
      ['POST', '/revocations', { kind: 'tenant', why: 'x' }],
      ['PUT', '/realm/settings', { settings: {} }],
    ] as const) {
      const answer = await call(method, at(path), body)
      assert.deepEqual([answer.status, answer.headers.get('retry-after')], [503, '1'], path)
      assert.equal(answer.json.code, 'engine_unavailable')
    }
    const key = keyed('when-back')
    assert.equal((await call('POST', at('/users'), { user_name: 'back' }, key)).status, 503)
    await open()
    assert.equal(await count('/users'), 0)
    good(await call('POST', at('/users'), { user_name: 'back' }, key))
    assert.equal(await count('/users?user_name=back'), 1)
  })

  test('the registry’s part of it is there all the same: what was revoked', async () => {
    const open = await ground.shut()
    assert.equal((await call('GET', at('/revocations'))).status, 200)
    assert.equal((await call('GET', '/v1/tenants/never/users')).status, 404)
    await open()
  })
})

async function actions(): Promise<readonly string[]> {
  const acts = await ground.site.ask<{ action: string }>(
    "select action from registry.act where subject = 'acme' order by id",
  )
  return acts.map(({ action }) => action)
}
