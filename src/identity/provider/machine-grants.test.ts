import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { exportJWK, generateKeyPair, importJWK, SignJWT } from 'jose'
import * as client from 'openid-client'
import { parseClientId } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import { SigningKey } from '../../tokens/signing-key.ts'
import { AUDIENCE, BASE } from '../identity-site.test-support.ts'
import {
  CALLBACK,
  type ProviderSite,
  refused,
  startProviderSite,
} from './provider-site.test-support.ts'

let site: ProviderSite
let acme: TenantId
let secret: string
let app: client.Configuration
before(async () => {
  site = await startProviderSite()
  const one = await site.realm('acme')
  ;({ tenant: acme, secret } = one)
  app = await site.app(acme, secret)
  await site.realm('globex')
})
after(() => site.stop())

describe('client credentials', () => {
  test('are a secret in the header or in the body, or a signed assertion, as registered', async () => {
    const signed = parseClientId('signed')
    const key = await SigningKey.create('EdDSA')
    await site.identity.realms.putClient(acme, signed, { roles: ['r'], scopes: ['read'] }, [
      key.publicJwk,
    ])
    const privateKey = await importJWK(key.privateJwk, 'EdDSA')
    assert.ok(!(privateKey instanceof Uint8Array))
    const auth = client.PrivateKeyJwt({ key: privateKey, kid: key.publicJwk.kid })
    const configs = [
      app,
      await site.app(acme, client.ClientSecretPost(secret)),
      await site.app(acme, auth, { client_id: signed }),
    ]
    for (const config of configs) {
      const { access_token } = await client.clientCredentialsGrant(config)
      const access = await site.verify(acme, access_token)
      assert.equal(access.subject, access.client)
      assert.deepEqual(
        [access.session, access.actor, access.acr],
        [undefined, undefined, undefined],
      )
    }
    await assert.rejects(
      client.clientCredentialsGrant(await site.app(acme, 'x', { client_id: signed })),
      { status: 401 },
    )
  })

  test('name the platform as their resource, or nothing', async () => {
    const { access_token } = await client.clientCredentialsGrant(app, { resource: AUDIENCE })
    assert.deepEqual((await site.verify(acme, access_token)).scopes, ['read', 'write'])
    const other = client.clientCredentialsGrant(app, { resource: 'https://other.test/' })
    await assert.rejects(other, refused('invalid_target'))
  })

  test('an assertion for two audiences, for long, or signed with what anybody can have is refused', async () => {
    const id = parseClientId('strict')
    const key = await SigningKey.create('ES256')
    await site.identity.realms.putClient(acme, id, { roles: [], scopes: [] }, [key.publicJwk])
    const issuer = `${BASE}/realms/acme`
    const own = await importJWK(key.privateJwk, 'ES256')
    const make = (aud: string | string[], seconds: number) =>
      new SignJWT({})
        .setIssuer(id)
        .setSubject(id)
        .setAudience(aud)
        .setJti(crypto.randomUUID())
        .setIssuedAt()
        .setExpirationTime(`${seconds}s`)
    const header = { alg: 'ES256', kid: key.publicJwk.kid }
    const ask = async (assertion: string) => {
      const { status } = await site.ask('/realms/acme/token', {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: assertion,
        }).toString(),
      })
      return status
    }
    assert.equal(await ask(await make(issuer, 30).setProtectedHeader(header).sign(own)), 200)
    const stranger = await generateKeyPair('ES256')
    const hostile = [
      await make([issuer, 'https://other.test'], 30).setProtectedHeader(header).sign(own),
      await make(issuer, 3_600).setProtectedHeader(header).sign(own),
      await make(`${issuer}/`, 30).setProtectedHeader(header).sign(own),
      await make(`${BASE}/realms/globex`, 30).setProtectedHeader(header).sign(own),
      await make(issuer, 30).setProtectedHeader(header).sign(stranger.privateKey),
      await make(issuer, 30)
        .setProtectedHeader({ ...header, alg: 'HS256' })
        .sign(new TextEncoder().encode(JSON.stringify(key.publicJwk))),
    ]
    for (const assertion of hostile) assert.equal(await ask(assertion), 401)
  })
})

describe('DPoP', () => {
  test('binds the token to the key, and the refresh token of a public client too', async () => {
    const keys = await client.randomDPoPKeyPair('ES256')
    const DPoP = client.getDPoPHandle(app, keys)
    const tokens = await client.clientCredentialsGrant(app, {}, { DPoP })
    assert.equal(tokens.token_type, 'dpop')
    const access = await site.verify(acme, tokens.access_token)
    assert.equal(access.boundTo, await DPoP.calculateThumbprint())

    const spa = parseClientId('public-app')
    await site.identity.realms.putClient(acme, spa, {
      roles: [],
      scopes: ['read'],
      authMethod: 'none',
      grantTypes: ['authorization_code', 'refresh_token'],
      redirectUris: [CALLBACK],
    })
    const config = await site.app(acme, client.None(), { client_id: spa })
    const { url, verifier } = await site.authorize(config)
    const handle = client.getDPoPHandle(config, keys)
    const first = await client.authorizationCodeGrant(
      config,
      url,
      { pkceCodeVerifier: verifier, expectedState: 'the-state' },
      {},
      { DPoP: handle },
    )
    const refresh = (options?: client.DPoPOptions) =>
      client.refreshTokenGrant(config, String(first.refresh_token), {}, options)
    await assert.rejects(refresh(), refused('invalid_grant'))
    const stranger = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
    await assert.rejects(refresh({ DPoP: stranger }), refused('invalid_grant'))
    await refresh({ DPoP: handle })
  })

  test('a proof counts once, is for this endpoint, and is not optional for a client that is bound', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
    const jwk = await exportJWK(publicKey)
    const proof = (changes: Record<string, unknown> = {}) =>
      new SignJWT({
        htm: 'POST',
        htu: `${BASE}/realms/acme/token`,
        jti: crypto.randomUUID(),
        iat: Math.floor(Date.now() / 1000),
        ...changes,
      })
        .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
        .sign(privateKey)
    const ask = (dpop: string | undefined, id = 'app', own = secret) =>
      site.ask('/realms/acme/token', {
        method: 'POST',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          authorization: `Basic ${Buffer.from(`${id}:${own}`).toString('base64')}`,
          ...(dpop === undefined ? {} : { dpop }),
        },
        body: 'grant_type=client_credentials',
      })
    const good = await proof()
    assert.equal((await ask(good)).status, 200)
    assert.equal((await ask(good)).status, 400)
    const racing = await proof()
    const answers = await Promise.all([ask(racing), ask(racing), ask(racing)])
    assert.equal(answers.filter(({ status }) => status === 200).length, 1)
    for (const changes of [
      { htm: 'GET' },
      { htu: `${BASE}/realms/globex/token` },
      { htu: 'https://evil.test/realms/acme/token' },
      { iat: Math.floor(Date.now() / 1000) - 3_600 },
      { iat: Math.floor(Date.now() / 1000) + 3_600 },
    ]) {
      assert.equal((await ask(await proof(changes))).status, 400, JSON.stringify(changes))
    }
    const bound = parseClientId('bound')
    const own = await site.identity.realms.putClient(acme, bound, {
      roles: [],
      scopes: ['read'],
      dpopBound: true,
    })
    assert.equal((await ask(undefined, bound, own)).status, 400)
    assert.equal((await ask(await proof(), bound, own)).status, 200)
  })
})
