import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { importJWK, SignJWT } from 'jose'
import { parseClientId, parseSubject } from '../core/names.ts'
import { parseTenantId } from '../core/tenant.ts'
import type { Answer } from '../http/call.ts'
import { verifyAccessToken } from '../tokens/access-token.ts'
import { CLIENT_ASSERTION_TYPE, signClientAssertion } from '../tokens/client-assertion.ts'
import { SigningKey } from '../tokens/signing-key.ts'
import { KeySet } from '../tokens/verify-token.ts'
import {
  AUDIENCE,
  BASE,
  type IdentitySite,
  startIdentitySite,
} from './identity-site.test-support.ts'

const ACME = parseTenantId('acme')
const GLOBEX = parseTenantId('globex')
const CLIENT = parseClientId('importer')
const MAY = { roles: ['importer'], scopes: ['read', 'write'] }

let site: IdentitySite
let acmeSecret: string
let globexSecret: string
const acmeKey = await SigningKey.create('ES256')

before(async () => {
  site = await startIdentitySite()
  const { realms } = site.identity
  for (const tenant of [ACME, GLOBEX]) await realms.ensure(tenant, `${tenant} Ltd`)
  acmeSecret = String(await realms.putClient(ACME, CLIENT, MAY))
  globexSecret = String(await realms.putClient(GLOBEX, CLIENT, MAY))
  const [signed, inGlobex] = [parseClientId('signed'), await SigningKey.create('ES256')]
  await realms.putClient(ACME, signed, MAY, [acmeKey.publicJwk])
  await realms.putClient(GLOBEX, signed, MAY, [inGlobex.publicJwk])
})
after(() => site.stop())

interface Asked {
  readonly tenant?: string
  readonly client?: string
  readonly secret?: string | undefined
  readonly fields?: Readonly<Record<string, string>>
  readonly tail?: string
  readonly headers?: Readonly<Record<string, string>>
}

const basic = (client: string, secret: string) =>
  `Basic ${Buffer.from(`${client}:${secret}`).toString('base64')}`

async function ask(asked: Asked = {}): Promise<Answer> {
  const { tenant = 'acme', client = CLIENT, secret = acmeSecret, fields = {}, tail = '' } = asked
  const body =
    new URLSearchParams({ grant_type: 'client_credentials', ...fields }).toString() + tail
  return site.ask(`/realms/${tenant}/token`, {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      ...('client_assertion' in fields ? {} : { authorization: basic(client, secret) }),
      ...asked.headers,
    },
  })
}

async function assertionFields(changes: { audience?: string; key?: SigningKey } = {}) {
  const { audience = `${BASE}/realms/acme`, key = acmeKey } = changes
  return {
    client_assertion_type: CLIENT_ASSERTION_TYPE,
    client_assertion: await signClientAssertion(key, parseClientId('signed'), audience),
  }
}

async function keysOf(tenant: string): Promise<KeySet> {
  const { text } = await site.ask(`/realms/${tenant}/jwks`)
  return new KeySet((JSON.parse(text) as { keys: ConstructorParameters<typeof KeySet>[0] }).keys)
}

const realm = (tenant: string) => ({ issuer: `${BASE}/realms/${tenant}`, audience: AUDIENCE })

function tokenOf({ status, text }: Answer): string {
  assert.equal(status, 200, text)
  return (JSON.parse(text) as { access_token: string }).access_token
}

/** What was refused, and why. */
function refusal({ status, text }: Answer): readonly [number, string] {
  return [status, (JSON.parse(text) as { error: string }).error]
}

/** All that a caller can see of an answer, without the time of day. */
function seen({ status, headers: { date: _date, ...headers }, text }: Answer): object {
  return { status, headers, text }
}

describe('a client', () => {
  test('gets a token of its realm by its secret, and by its key', async () => {
    for (const response of [await ask(), await ask({ fields: await assertionFields() })]) {
      assert.equal(response.headers['cache-control'], 'no-store')
      const token = tokenOf(response)
      const access = await verifyAccessToken(token, await keysOf('acme'), realm('acme'))
      assert.equal(access.tenant, 'acme')
      assert.equal(access.subject, access.client)
      assert.deepEqual([access.scopes, access.roles], [['read', 'write'], ['importer']])
    }
  })

  test('gets fewer scopes when it asks for fewer, and never more than it may', async () => {
    const token = tokenOf(await ask({ fields: { scope: 'read' } }))
    const access = await verifyAccessToken(token, await keysOf('acme'), realm('acme'))
    assert.deepEqual(access.scopes, ['read'])
    for (const scope of ['read admin', 'READ', 'read  write']) {
      const response = await ask({ fields: { scope } })
      assert.deepEqual(refusal(response), [400, 'invalid_scope'])
    }
  })

  test('names the platform as its resource, or nothing', async () => {
    assert.equal((await ask({ fields: { resource: AUDIENCE } })).status, 200)
    const other = await ask({ fields: { resource: 'https://other.test/' } })
    assert.deepEqual(refusal(other), [400, 'invalid_target'])
  })
})

describe('one realm’s client at another realm’s endpoint', () => {
  test('gets nothing by its secret, though the other realm has a client of its name', async () => {
    assert.equal((await ask({ tenant: 'globex', secret: globexSecret })).status, 200)
    assert.equal((await ask({ tenant: 'globex', secret: acmeSecret })).status, 401)
    assert.equal((await ask({ tenant: 'acme', secret: globexSecret })).status, 401)
  })

  test('gets nothing by an assertion, whichever realm that is for', async () => {
    for (const audience of [`${BASE}/realms/acme`, `${BASE}/realms/globex`]) {
      const fields = await assertionFields({ audience })
      assert.equal((await ask({ tenant: 'globex', fields })).status, 401)
    }
    const fields = await assertionFields({ audience: `${BASE}/realms/globex` })
    assert.equal((await ask({ tenant: 'acme', fields })).status, 401)
  })

  test('has a token that the other realm’s keys do not verify, whatever issuer is expected', async () => {
    const token = tokenOf(await ask())
    const globex = await keysOf('globex')
    for (const expected of ['acme', 'globex']) {
      await assert.rejects(verifyAccessToken(token, globex, realm(expected)), {
        code: 'invalid_token',
      })
    }
    await assert.rejects(verifyAccessToken(token, await keysOf('acme'), realm('globex')), {
      code: 'invalid_token',
    })
  })
})

describe('an assertion', () => {
  test('counts once, also at another identity process', async () => {
    const other = await site.open()
    const fields = await assertionFields()
    assert.equal((await ask({ fields })).status, 200)
    assert.equal((await ask({ fields })).status, 401)
    const body = new URLSearchParams({ grant_type: 'client_credentials', ...fields }).toString()
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const again = { method: 'POST', headers, body } as const
    assert.equal((await site.ask('/realms/acme/token', again, other)).status, 401)
  })

  test('with another algorithm or another key’s name is refused', async () => {
    const claims = (audience: string) =>
      new SignJWT({}).setIssuer('signed').setSubject('signed').setAudience(audience).setIssuedAt()
    const audience = `${BASE}/realms/acme`
    const { kid } = acmeKey.publicJwk
    const typ = 'client-authentication+jwt'
    const asSecret = new TextEncoder().encode(JSON.stringify(acmeKey.publicJwk))
    const hmac = await claims(audience)
      .setJti('1')
      .setExpirationTime('30s')
      .setProtectedHeader({ alg: 'HS256', kid, typ })
      .sign(asSecret)
    const stranger = await SigningKey.create('ES256')
    const wrongKey = await claims(audience)
      .setJti('2')
      .setExpirationTime('30s')
      .setProtectedHeader({ alg: 'ES256', kid, typ, jwk: stranger.publicJwk })
      .sign(await importJWK(stranger.privateJwk, 'ES256'))
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const none = `${part({ alg: 'none', kid, typ })}.${hmac.split('.')[1]}.`
    for (const client_assertion of [hmac, wrongKey, none, 'abc', '..', `${hmac}x`]) {
      const fields = { client_assertion_type: CLIENT_ASSERTION_TYPE, client_assertion }
      assert.ok([400, 401].includes((await ask({ fields })).status))
    }
  })
})

describe('one answer', () => {
  test('for an unknown realm, an unknown client, a wrong secret, a closed realm and another way', async () => {
    const { realms } = site.identity
    const closed = parseTenantId('closed')
    await realms.ensure(closed, 'Closed')
    const secret = await realms.putClient(closed, CLIENT, MAY)
    await realms.setOpen(closed, false)
    const answers = [
      await ask({ tenant: 'nobody' }),
      await ask({ client: 'nobody' }),
      await ask({ secret: 'wrong' }),
      await ask({ tenant: 'closed', secret }),
      await ask({ client: 'signed', secret: 'wrong' }),
      await ask({ fields: await assertionFields({ key: await SigningKey.create('ES256') }) }),
    ]
    const [first, ...others] = answers.map(seen)
    assert.equal((first as { status: number }).status, 401)
    for (const other of others) assert.deepEqual(other, first)
    await realms.setOpen(closed, true)
    assert.equal((await ask({ tenant: 'closed', secret })).status, 200)
  })

  test('for whatever is sent to a realm that is closed, and to one that there is not', async () => {
    const { realms } = site.identity
    const closed = parseTenantId('closed')
    await realms.setOpen(closed, false)
    const cases: readonly Asked[] = [
      {},
      { fields: { grant_type: '' } },
      { fields: { grant_type: 'password' } },
      { headers: { authorization: 'Bearer x' } },
      { headers: { authorization: 'Basic !' } },
      { fields: { client_id: 'other' } },
      { headers: { 'content-type': 'application/json' } },
      { fields: await assertionFields({ audience: `${BASE}/realms/closed` }) },
    ]
    for (const asked of cases) {
      const [one, other] = [
        await ask({ ...asked, tenant: 'closed' }),
        await ask({ ...asked, tenant: 'nobody' }),
      ]
      assert.deepEqual(seen(one), seen(other))
      assert.ok(one.status === 400 || one.status === 401)
    }
  })

  test('after the same queries, for a realm that is closed and one that there is not', async () => {
    const { database } = site.identity.parts
    await site.identity.realms.setOpen(parseTenantId('closed'), false)
    const asked: string[] = []
    const query = database.query.bind(database)
    database.query = (sql, values) => {
      // What is done by itself every two seconds has nothing to do with who asks.
      if (!sql.includes('identity.logout_notice')) asked.push(sql)
      return query(sql, values)
    }
    const queriesOf = async (tenant: string) => {
      asked.length = 0
      await ask({ tenant })
      await site.ask(`/realms/${tenant}/jwks`)
      return [...asked]
    }
    const [closed, nobody] = [await queriesOf('closed'), await queriesOf('nobody')]
    database.query = query
    assert.ok(closed.length >= 3)
    assert.deepEqual(closed, nobody)
  })

  test('for the documents of a realm that there is not, and for any path that there is not', async () => {
    const paths = [
      '/nothing',
      '/realms/nobody/jwks',
      '/realms/nobody/.well-known/openid-configuration',
      '/.well-known/oauth-authorization-server/realms/nobody',
      '/realms/a%2Fb/jwks',
      '/realms/acme',
      '/realms/closed/jwks',
      '/realms/closed/.well-known/openid-configuration',
    ]
    await site.identity.realms.setOpen(parseTenantId('closed'), false)
    const answers = await Promise.all(paths.map(async (path) => seen(await site.ask(path))))
    for (const answer of answers) assert.deepEqual(answer, answers[0])
    assert.equal((answers[0] as { status: number }).status, 404)
  })
})

describe('what is not a request of ours', () => {
  const cases: readonly (readonly [string, Asked, string])[] = [
    ['another grant', { fields: { grant_type: 'password' } }, 'unsupported_grant_type'],
    ['no grant', { fields: { grant_type: '' } }, 'invalid_request'],
    ['a scope twice', { tail: '&scope=read&scope=write' }, 'invalid_request'],
    ['JSON', { headers: { 'content-type': 'application/json' } }, 'invalid_request'],
    ['a form that is too long', { tail: `&pad=${'x'.repeat(60_000)}` }, 'invalid_request'],
  ]
  for (const [what, asked, error] of cases) {
    test(`${what} is ${error}`, async () => {
      const response = await ask(asked)
      assert.deepEqual(refusal(response), [400, error])
    })
  }

  test('two ways to authenticate at once are invalid_request', async () => {
    const authorization = basic(CLIENT, acmeSecret)
    const response = await ask({ fields: await assertionFields(), headers: { authorization } })
    assert.deepEqual(refusal(response), [400, 'invalid_request'])
  })
})

describe('the documents', () => {
  const PATHS = [
    '/realms/acme/.well-known/openid-configuration',
    '/.well-known/oauth-authorization-server/realms/acme',
  ]

  test('say what the configuration says, whatever the Host header is', async () => {
    for (const path of PATHS) {
      const { text } = await site.ask(path, {
        headers: {
          host: 'evil.test',
          'x-forwarded-host': 'evil.test',
          'x-forwarded-proto': 'gopher',
          forwarded: 'host=evil.test',
        },
      })
      assert.ok(!text.includes('evil'))
      const document = JSON.parse(text) as Record<string, unknown>
      assert.equal(document['issuer'], `${BASE}/realms/acme`)
      assert.equal(document['token_endpoint'], `${BASE}/realms/acme/token`)
      assert.equal(document['jwks_uri'], `${BASE}/realms/acme/jwks`)
    }
  })

  test('name endpoints that are there, and methods that work', async () => {
    const document = JSON.parse((await site.ask(PATHS[0] ?? '')).text) as Record<string, unknown>
    const endpoints = Object.entries(document).filter(([name]) => name.endsWith('_endpoint'))
    assert.deepEqual(endpoints.map(([name]) => name).sort(), [
      'authorization_endpoint',
      'device_authorization_endpoint',
      'end_session_endpoint',
      'introspection_endpoint',
      'pushed_authorization_request_endpoint',
      'revocation_endpoint',
      'token_endpoint',
      'userinfo_endpoint',
    ])
    for (const [name, url] of endpoints) {
      const path = String(url).slice(BASE.length)
      const statuses = [await site.ask(path), await site.ask(path, { method: 'POST' })]
      assert.ok(
        statuses.some(({ status }) => status !== 404),
        name,
      )
    }
    assert.equal((await site.ask(String(document['jwks_uri']).slice(BASE.length))).status, 200)
    assert.deepEqual(document['token_endpoint_auth_methods_supported'], [
      'client_secret_basic',
      'client_secret_post',
      'private_key_jwt',
      'none',
    ])
    assert.deepEqual(document['code_challenge_methods_supported'], ['S256'])
    assert.deepEqual(document['response_types_supported'], ['code'])
    assert.deepEqual(document['id_token_signing_alg_values_supported'], ['ES256', 'EdDSA'])
  })

  test('may be cached for as long as keys are published before they are used, and have an ETag', async () => {
    for (const path of ['/realms/acme/jwks', ...PATHS]) {
      const first = await site.ask(path)
      assert.equal(first.headers['cache-control'], 'public, max-age=300')
      const headers = { 'if-none-match': String(first.headers['etag']) }
      assert.equal((await site.ask(path, { headers })).status, 304)
    }
  })

  test('hold no private key', async () => {
    const { text } = await site.ask('/realms/acme/jwks')
    const { keys } = JSON.parse(text) as { keys: readonly object[] }
    assert.ok(keys.length > 0)
    for (const key of keys) assert.ok(!('d' in key))
  })
})

test('a user’s token is the user’s, and a user and a client cannot have one name', async () => {
  const { realms } = site.identity
  const [alice, importer] = [parseSubject('alice'), parseSubject(CLIENT)]
  await realms.putUser(ACME, alice, { roles: ['nurse'], scopes: ['read'] })
  const { access_token } = await realms.issueFor(ACME, alice)
  const access = await verifyAccessToken(access_token, await keysOf('acme'), realm('acme'))
  assert.deepEqual([access.subject, access.roles, access.scopes], ['alice', ['nurse'], ['read']])
  await assert.rejects(realms.issueFor(ACME, alice, { scopes: ['write'] }), { code: 'forbidden' })
  await assert.rejects(realms.issueFor(GLOBEX, alice), { code: 'not_found' })
  await assert.rejects(realms.putUser(ACME, importer, MAY), { code: 'conflict' })
  await assert.rejects(realms.putClient(ACME, parseClientId('alice'), MAY), { code: 'conflict' })
})

test('with the database away the answer says so, and nothing else', async () => {
  const broken = await site.open()
  const token = () => ({
    method: 'POST' as const,
    body: 'grant_type=client_credentials',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: basic(CLIENT, acmeSecret),
    },
  })
  // With the realm in memory and without it.
  assert.equal((await site.ask('/realms/acme/token', token(), broken)).status, 200)
  await broken.close()
  const unknown = await site.ask('/realms/globex/token', token(), broken)
  assert.deepEqual(refusal(unknown), [503, 'temporarily_unavailable'])
  const response = await site.ask('/realms/acme/token', token(), broken)
  assert.deepEqual(refusal(response), [503, 'temporarily_unavailable'])
})
