import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { decodeJwt } from 'jose'
import * as client from 'openid-client'
import { parseClientId, parseSubject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import { BASE } from '../identity-site.test-support.ts'
import {
  ALICE,
  CALLBACK,
  type ProviderSite,
  refused,
  startProviderSite,
} from './provider-site.test-support.ts'

let site: ProviderSite
let acme: TenantId
let globex: TenantId
let app: client.Configuration
let appSecret: string
let globexApp: client.Configuration
before(async () => {
  site = await startProviderSite()
  const one = await site.realm('acme')
  const other = await site.realm('globex')
  acme = one.tenant
  appSecret = one.secret
  app = await site.app(acme, one.secret)
  globex = other.tenant
  globexApp = await site.app(other.tenant, other.secret)
})
after(() => site.stop())
beforeEach(() => {
  Object.assign(site.signsIn, {
    subject: ALICE,
    acr: 'urn:ringfence:acr:1',
    amr: ['pwd'],
    refuses: [],
  })
  site.signsIn.prompts.length = 0
})

const code = (url: URL) => String(url.searchParams.get('code'))

/** What an authorization request is answered with when nobody is asked: an error in the redirect. */
async function redirected(parameters: Record<string, string>): Promise<string | null> {
  const { url } = await site.authorize(app, undefined, parameters)
  assert.equal(url.searchParams.get('iss'), `${BASE}/realms/acme`)
  return url.searchParams.get('error')
}

describe('a user who signs in', () => {
  test('gets an access token of the platform’s shape, and an ID token of the same person and tenant', async () => {
    const tokens = await site.signIn(app)
    const access = await site.verify(acme, tokens.access_token)
    const { id, issuedAt, expiresAt, session, authenticatedAt, ...rest } = access
    assert.deepEqual(rest, {
      tenant: 'acme',
      subject: 'alice',
      client: 'app',
      scopes: ['read', 'write'],
      roles: ['nurse'],
      acr: 'urn:ringfence:acr:1',
      amr: ['pwd'],
    })
    assert.ok(id.length > 20 && session !== undefined && authenticatedAt !== undefined)
    assert.equal(expiresAt.getTime() - issuedAt.getTime(), 300_000)
    const claims = tokens.claims()
    assert.equal(claims?.sub, 'alice')
    assert.equal(claims?.['tenant_id'], 'acme')
    assert.equal(claims?.['acr'], 'urn:ringfence:acr:1')
    assert.deepEqual(claims?.['amr'], ['pwd'])
  })

  test('gets no more than the client may and no more than the user has', async () => {
    const narrow = parseClientId('narrow')
    const secret = await site.identity.realms.putClient(acme, narrow, {
      roles: ['admin'],
      scopes: ['read'],
      grantTypes: ['authorization_code'],
      redirectUris: [CALLBACK],
    })
    const config = await site.app(acme, String(secret), { client_id: narrow })
    const access = await site.verify(acme, (await site.signIn(config)).access_token)
    assert.deepEqual([access.scopes, access.roles], [['read'], ['nurse']])
    await site.identity.realms.putUser(acme, parseSubject('bob'), { roles: [], scopes: ['read'] })
    site.signsIn.subject = 'bob'
    const bobs = await site.signIn(app, undefined, { scope: 'openid read write admin' })
    assert.deepEqual((await site.verify(acme, bobs.access_token)).scopes, ['read'])
    assert.equal(bobs.scope, 'read')
  })

  test('is not asked about the tenant’s own client, and is about another one', async () => {
    await site.signIn(app)
    assert.deepEqual(site.signsIn.prompts, ['login: no_session'])
    const others = parseClientId('others')
    const secret = await site.identity.realms.putClient(acme, others, {
      roles: [],
      scopes: ['read', 'write'],
      grantTypes: ['authorization_code'],
      redirectUris: [CALLBACK],
      firstParty: false,
    })
    const config = await site.app(acme, String(secret), { client_id: others })
    site.signsIn.refuses = ['write']
    const tokens = await site.signIn(config)
    assert.match(String(site.signsIn.prompts.at(-1)), /^consent: .*scopes_missing/)
    assert.deepEqual((await site.verify(acme, tokens.access_token)).scopes, ['read'])
  })

  test('is not asked to sign in again in the same browser, and comes with another session identifier', async () => {
    const browser = site.browser()
    const planted = {
      name: '__Secure-rf_session',
      value: 'planted',
      path: '/realms/acme',
      line: '',
    }
    browser.steal([planted])
    await site.signIn(app, browser)
    const session = () => browser.cookies.find(({ name }) => name === planted.name)
    const first = session()
    assert.notEqual(first?.value, 'planted')
    for (const attribute of ['path=/realms/acme', 'samesite=lax', 'secure', 'httponly']) {
      assert.ok(first?.line.split('; ').includes(attribute), attribute)
    }
    assert.ok(!/domain=/i.test(String(first?.line)))
    await site.signIn(app, browser)
    assert.deepEqual(site.signsIn.prompts, ['login: no_session'])
    await site.signIn(app, browser, { prompt: 'login' })
    assert.notEqual(session()?.value, first?.value)
  })

  test('signs in again when the client asks for a surer sign-in, and when the realm demands two factors', async () => {
    const browser = site.browser()
    await site.signIn(app, browser)
    site.signsIn.acr = 'urn:ringfence:acr:2'
    const sure = { acr_values: 'urn:ringfence:acr:2' }
    const tokens = await site.signIn(app, browser, sure)
    assert.equal(site.signsIn.prompts.at(-1), 'login: acr')
    assert.equal((await site.verify(acme, tokens.access_token)).acr, 'urn:ringfence:acr:2')
    const count = site.signsIn.prompts.length
    await site.signIn(app, browser, sure)
    assert.equal(site.signsIn.prompts.length, count)

    const strict = await site.realm('strict')
    const strictApp = await site.app(strict.tenant, strict.secret)
    site.signsIn.acr = 'urn:ringfence:acr:1'
    const weak = site.browser()
    await site.signIn(strictApp, weak)
    await site.identity.realms.putSettings(strict.tenant, { mfa: 'required' })
    site.signsIn.acr = 'urn:ringfence:acr:2'
    await site.signIn(strictApp, weak)
    assert.equal(site.signsIn.prompts.at(-1), 'login: mfa')
  })
})

describe('an authorization code', () => {
  test('is good once: whoever comes second gets nothing, and what the first got ends', async () => {
    const { url, verifier } = await site.authorize(app)
    const exchange = () =>
      client.authorizationCodeGrant(app, url, {
        pkceCodeVerifier: verifier,
        expectedState: 'the-state',
      })
    const tokens = await exchange()
    const { session } = await site.verify(acme, tokens.access_token)
    await assert.rejects(exchange(), refused('invalid_grant'))
    await assert.rejects(
      client.refreshTokenGrant(app, String(tokens.refresh_token)),
      refused('invalid_grant'),
    )
    assert.ok(site.revocations.some((one) => one.kind === 'session' && one.id === session))
  })

  test('is good once also for two requests at one moment, at two processes', async () => {
    const apps = await twoProcesses()
    for (let round = 0; round < 3; round += 1) {
      const { url, verifier } = await site.authorize(app)
      const checks = { pkceCodeVerifier: verifier, expectedState: 'the-state' }
      const results = await Promise.allSettled(
        apps.map((app) => client.authorizationCodeGrant(app, url, checks)),
      )
      // None, when the second is noticed before the first has its answer.
      assert.ok(results.filter(({ status }) => status === 'fulfilled').length <= 1)
    }
  })

  test('is worth nothing without the verifier, with another one, with another client or in another realm', async () => {
    const other = parseClientId('other-app')
    const secret = await site.identity.realms.putClient(acme, other, {
      roles: [],
      scopes: ['read', 'write'],
      grantTypes: ['authorization_code'],
      redirectUris: [CALLBACK],
    })
    const otherApp = await site.app(acme, String(secret), { client_id: other })
    const { url, verifier } = await site.authorize(app)
    const raw = (config: client.Configuration, fields: Record<string, string>) =>
      client.genericGrantRequest(config, 'authorization_code', {
        code: code(url),
        redirect_uri: CALLBACK,
        ...fields,
      })
    await assert.rejects(raw(app, {}), refused('invalid_grant'))
    const wrong = { code_verifier: client.randomPKCECodeVerifier() }
    await assert.rejects(raw(app, wrong), refused('invalid_grant'))
    const right = { code_verifier: verifier }
    await assert.rejects(raw(otherApp, right), refused('invalid_grant'))
    await assert.rejects(raw(globexApp, right), refused('invalid_grant'))
    const elsewhere = { ...right, redirect_uri: 'https://app.test/other' }
    await assert.rejects(raw(app, elsewhere), refused('invalid_grant'))
    await assert.rejects(
      raw(app, { ...right, resource: 'https://other.test/' }),
      refused('invalid_target'),
    )
  })
})

describe('an authorization request', () => {
  test('without PKCE, and with the method plain, is refused', async () => {
    const without = { code_challenge: '', code_challenge_method: '' }
    assert.equal(await redirected(without), 'invalid_request')
    assert.equal(await redirected({ code_challenge_method: 'plain' }), 'invalid_request')
  })

  test('for another resource, or with a response type that puts tokens into URLs, is refused', async () => {
    assert.equal(await redirected({ resource: 'https://other.test/' }), 'invalid_target')
    const browser = site.browser()
    for (const response_type of ['token', 'id_token', 'code id_token', 'code token', 'none']) {
      const url = client.buildAuthorizationUrl(app, {
        redirect_uri: CALLBACK,
        scope: 'openid',
        response_type,
        nonce: 'n',
      })
      const { location, text } = await browser.get(url.href)
      assert.match(`${location}${text}`, /unsupported_response_type|invalid_request/)
      assert.doesNotMatch(String(location), /token=/)
    }
  })

  test('to any other redirect URI sends the browser nowhere', async () => {
    const variants = [
      'https://app.test/cb/',
      'https://app.test/cb?x=1',
      'https://app.test/cb#x',
      'https://app.test/CB',
      'https://app.test:443/cb',
      'https://app.test.evil.test/cb',
      'https://app.test@evil.test/cb',
      'https://evil.test/https://app.test/cb',
      'https://app.test/cb/../evil',
      'https://app.test/cb%2f..',
      'https://APP.test/cb',
      'http://app.test/cb',
      'https://app.test\\@evil.test/cb',
      '//app.test/cb',
      'javascript:alert(1)//https://app.test/cb',
      '',
    ]
    for (const redirect_uri of variants) {
      const url = client.buildAuthorizationUrl(app, {
        redirect_uri,
        scope: 'openid',
        code_challenge: await client.calculatePKCECodeChallenge('v'.repeat(43)),
        code_challenge_method: 'S256',
      })
      const page = await site.browser().get(url.href)
      assert.deepEqual([page.status, page.location], [400, undefined], redirect_uri)
      const escaped = redirect_uri.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
      if (redirect_uri !== '') assert.doesNotMatch(page.text, new RegExp(escaped))
    }
  })

  test('that repeats a parameter, or names another realm’s client, is refused', async () => {
    const only = parseClientId('globex-only')
    await site.identity.realms.putClient(globex, only, { roles: [], scopes: [] })
    const url = client.buildAuthorizationUrl(app, { redirect_uri: CALLBACK, scope: 'openid' })
    const page = await site
      .browser()
      .get(`${url.href}&redirect_uri=${encodeURIComponent(CALLBACK)}`)
    assert.deepEqual([page.status, page.location], [400, undefined])
    const foreign = url.href.replace('client_id=app', `client_id=${only}`)
    const other = await site.browser().get(foreign)
    assert.deepEqual([other.status, other.location], [400, undefined])
  })
})

describe('one realm’s session', () => {
  test('signs nobody in at another realm, whatever path its cookie is sent to', async () => {
    const browser = site.browser()
    await site.signIn(app, browser)
    const thief = site.browser()
    thief.steal(browser.cookies.map((cookie) => ({ ...cookie, path: '/realms/globex' })))
    const { url } = await site.authorize(globexApp, thief, { prompt: 'none' })
    assert.equal(url.searchParams.get('error'), 'login_required')
  })

  test('with its cookie changed is none', async () => {
    const browser = site.browser()
    await site.signIn(app, browser)
    const unsigned = browser.cookies.filter(({ name }) => !name.endsWith('.sig'))
    for (const cookies of [
      unsigned,
      browser.cookies.map((one) => ({ ...one, value: `${one.value}x` })),
    ]) {
      const thief = site.browser()
      thief.steal(cookies)
      const { url } = await site.authorize(app, thief, { prompt: 'none' })
      assert.equal(url.searchParams.get('error'), 'login_required')
    }
  })
})

test('an ID token is signed as the client is registered for, and says of the person what was asked', async () => {
  const { tenant, secret } = await site.realm('rsa', { algorithms: ['EdDSA', 'RS256'] })
  const rsa = parseClientId('rsa-app')
  const details = {
    roles: [],
    scopes: ['read'],
    grantTypes: ['authorization_code' as const],
    redirectUris: [CALLBACK],
  }
  await site.identity.realms.rotateKeys(tenant)
  await site.identity.realms.find(tenant)
  const own = await site.identity.realms.putClient(tenant, rsa, { ...details, idTokenAlg: 'RS256' })
  const config = await site.app(tenant, String(own), {
    client_id: rsa,
    id_token_signed_response_alg: 'RS256',
  })
  await site.identity.parts.directory.changeAccount(tenant, ALICE, {
    email: 'alice@rsa.test',
    emailVerified: true,
    displayName: 'Alice',
  })
  const tokens = await site.signIn(config, undefined, { scope: 'openid email read' })
  const claims = tokens.claims()
  assert.deepEqual([claims?.['email'], claims?.['name']], ['alice@rsa.test', undefined])
  const header = JSON.parse(
    Buffer.from(tokens.access_token.split('.')[0] ?? '', 'base64url').toString(),
  ) as { alg: string }
  assert.equal(header.alg, 'EdDSA')
  assert.equal((await site.verify(tenant, tokens.access_token)).tenant, 'rsa')
  assert.ok(secret !== undefined && decodeJwt(tokens.access_token).iss === `${BASE}/realms/rsa`)
})

/** The same client at two processes on one database. */
async function twoProcesses(): Promise<readonly client.Configuration[]> {
  const there = await site.transport(await site.open())
  return [app, await site.app(acme, appSecret, {}, there)]
}
