import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import * as client from 'openid-client'
import type { TenantId } from '../../core/tenant.ts'
import { SigningKey } from '../../tokens/signing-key.ts'
import { BASE } from '../identity-site.test-support.ts'
import { type ProviderSite, startProviderSite } from './provider-site.test-support.ts'

const REDIRECT = 'https://app.test/cb'

let site: ProviderSite
let acme: TenantId
let token: string
let issuer: URL
before(async () => {
  site = await startProviderSite()
  const realm = await site.realm('acme', {
    registration: {
      enabled: true,
      grantTypes: ['authorization_code', 'refresh_token'],
      authMethods: ['private_key_jwt', 'none', 'client_secret_basic'],
      redirectHosts: ['app.test'],
      clientsMax: 6,
    },
  })
  acme = realm.tenant
  token = await site.identity.realms.createInitialAccessToken(acme, 3_600)
  issuer = new URL(`${BASE}/realms/acme`)
})
after(() => site.stop())

async function register(metadata: Partial<client.ClientMetadata>, initialAccessToken = token) {
  const transport = await site.transport()
  return client.dynamicClientRegistration(issuer, metadata, undefined, {
    initialAccessToken,
    [client.customFetch]: (url: string, init: object) => transport(url, init),
  })
}

const send = (
  path: string,
  bearer: string | undefined,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  body?: object,
) =>
  site.ask(path, {
    method,
    headers: {
      'content-type': 'application/json',
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })

const path = (url: unknown) => String(url).slice(BASE.length)

describe('a client that registers itself', () => {
  test('can sign users in, who are asked, and has the scopes of the policy and no roles of its own', async () => {
    const config = await register({ redirect_uris: [REDIRECT], scope: 'openid' })
    const { client_id, client_secret } = config.clientMetadata()
    assert.match(client_id, /^dyn-[0-9a-f]{24}$/)
    assert.match(String(client_secret), /^rfc_[\w-]{43}$/)
    const tokens = await site.signIn(config)
    assert.match(String(site.signsIn.prompts.at(-1)), /^consent/)
    const access = await site.verify(acme, tokens.access_token)
    assert.deepEqual([access.client, access.scopes], [client_id, ['read']])
    const { rows } = await site.admin.query('select * from identity.client')
    assert.ok(!JSON.stringify(rows).includes(String(client_secret)))
  })

  test('reads, changes and removes itself with its own token, and no other', async () => {
    const key = await SigningKey.create('ES256')
    const made = await send('/realms/acme/reg', token, 'POST', {
      redirect_uris: [REDIRECT],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [key.publicJwk] },
    })
    assert.equal(made.status, 201, made.text)
    const { registration_client_uri, registration_access_token, client_id } = JSON.parse(
      made.text,
    ) as Record<string, string>
    const own = path(registration_client_uri)
    const other = JSON.parse(
      (await send('/realms/acme/reg', token, 'POST', { redirect_uris: [REDIRECT] })).text,
    ) as Record<string, string>
    assert.equal((await send(own, undefined, 'GET')).status, 401)
    assert.equal((await send(own, 'x', 'GET')).status, 401)
    assert.equal((await send(own, other['registration_access_token'], 'GET')).status, 401)
    assert.equal((await send(own, registration_access_token, 'GET')).status, 200)
    const changed = await send(own, registration_access_token, 'PUT', {
      client_id,
      redirect_uris: ['https://app.test/new'],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [key.publicJwk] },
    })
    assert.equal(changed.status, 200, changed.text)
    assert.equal((await send(own, registration_access_token, 'GET')).status, 401)
    const next = (JSON.parse(changed.text) as Record<string, string>)['registration_access_token']
    const evil = await send(own, next, 'PUT', {
      client_id,
      redirect_uris: ['https://evil.test/'],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [key.publicJwk] },
    })
    assert.equal(evil.status, 400)
    assert.equal((await send(own, next, 'DELETE')).status, 204)
    assert.equal((await send(own, next, 'GET')).status, 401)
  })

  test('is not shown the hash of its secret', async () => {
    const made = JSON.parse(
      (await send('/realms/acme/reg', token, 'POST', { redirect_uris: [REDIRECT] })).text,
    ) as Record<string, string>
    const read = await send(
      path(made['registration_client_uri']),
      made['registration_access_token'],
      'GET',
    )
    assert.equal(read.status, 200)
    assert.ok(!read.text.includes('sha256:'))
  })
})

describe('nobody registers', () => {
  test('without the realm’s token, with another realm’s, or where the realm does not allow it', async () => {
    for (const wrong of ['', 'x', `${token}x`]) {
      await assert.rejects(register({ redirect_uris: [REDIRECT] }, wrong))
    }
    const registration = { enabled: true, redirectHosts: ['app.test'] }
    const other = await site.realm('globex', { registration })
    const foreign = await site.identity.realms.createInitialAccessToken(other.tenant, 60)
    const answer = await send('/realms/acme/reg', foreign, 'POST', { redirect_uris: [REDIRECT] })
    assert.equal(answer.status, 401)
    const closed = await site.realm('closed-to-clients')
    const refused = await send('/realms/closed-to-clients/reg', token, 'POST', {})
    assert.equal(refused.status, 404)
    await assert.rejects(site.identity.realms.createInitialAccessToken(closed.tenant, 60), {
      code: 'conflict',
    })
  })

  test('as more than the realm’s policy lets clients be', async () => {
    const hostile: readonly object[] = [
      { redirect_uris: ['https://evil.test/cb'] },
      { redirect_uris: ['https://app.test.evil.test/cb'] },
      { redirect_uris: ['https://app.test@evil.test/cb'] },
      { redirect_uris: ['https://app.test:8443/cb'] },
      { redirect_uris: ['http://app.test/cb'] },
      { redirect_uris: ['http://localhost/cb'] },
      { redirect_uris: ['com.example.app:/cb'] },
      { redirect_uris: [REDIRECT, 'https://evil.test/cb'] },
      { redirect_uris: [REDIRECT], post_logout_redirect_uris: ['https://evil.test/'] },
      { redirect_uris: [REDIRECT], backchannel_logout_uri: 'https://169.254.169.254/' },
      { redirect_uris: [REDIRECT], grant_types: ['client_credentials'] },
      { redirect_uris: [REDIRECT], grant_types: ['authorization_code', 'implicit'] },
      { redirect_uris: [REDIRECT], response_types: ['token'], grant_types: ['implicit'] },
      { redirect_uris: [REDIRECT], token_endpoint_auth_method: 'client_secret_post' },
      { redirect_uris: [REDIRECT], token_endpoint_auth_method: 'client_secret_jwt' },
      { redirect_uris: [REDIRECT], jwks_uri: 'https://evil.test/jwks' },
      { redirect_uris: [REDIRECT], sector_identifier_uri: 'https://evil.test/' },
      { redirect_uris: [REDIRECT], id_token_signed_response_alg: 'none' },
      { redirect_uris: [REDIRECT], id_token_signed_response_alg: 'HS256' },
      { redirect_uris: [REDIRECT], subject_type: 'pairwise' },
      { redirect_uris: [REDIRECT], roles: ['admin'] },
      { redirect_uris: [REDIRECT], tenant_id: 'globex' },
      { redirect_uris: [REDIRECT], first_party: true },
      {
        redirect_uris: [REDIRECT],
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [{ kty: 'oct', k: 'AAAA', kid: '1', alg: 'HS256' }] },
      },
    ]
    for (const metadata of hostile) {
      const { status, text } = await send('/realms/acme/reg', token, 'POST', metadata)
      assert.equal(status, 400, `${JSON.stringify(metadata)} ${text}`)
    }
  })

  test('beyond the number that the realm allows', async () => {
    const statuses: number[] = []
    for (let count = 0; count < 8; count += 1) {
      const body = { redirect_uris: [REDIRECT] }
      statuses.push((await send('/realms/acme/reg', token, 'POST', body)).status)
    }
    assert.equal(statuses.at(-1), 400)
    const clients = await site.identity.realms.clients(acme)
    assert.equal(clients.filter(({ registered }) => registered).length, 6)
  })
})
