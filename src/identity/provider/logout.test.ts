import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, beforeEach, describe, test } from 'node:test'
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose'
import * as client from 'openid-client'
import { parseClientId } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import { readForm } from '../../http/form.ts'
import { listen, type Listening } from '../../http/listen.ts'
import { BASE } from '../identity-site.test-support.ts'
import { Browser, formIn } from './browser.test-support.ts'
import {
  ALICE,
  CALLBACK,
  type ProviderSite,
  startProviderSite,
} from './provider-site.test-support.ts'

const BYE = 'https://app.test/bye'

let site: ProviderSite
let acme: TenantId
let app: client.Configuration
let told: Listening
const logoutTokens: string[] = []
before(async () => {
  site = await startProviderSite({ insideAllowed: true })
  const realm = await site.realm('acme')
  acme = realm.tenant
  app = await site.app(acme, realm.secret)
  told = await listen(
    async (request) => {
      logoutTokens.push((await readForm(request)).get('logout_token') ?? '')
      return new Response(null, { status: 200 })
    },
    { host: '127.0.0.1', port: 0 },
  )
})
after(async () => {
  await told.close()
  await site.stop()
})
beforeEach(() => {
  site.signsIn.subject = ALICE
  logoutTokens.length = 0
})

/** Goes to the sign-out page and answers its question. */
async function signOut(
  browser: Browser,
  parameters: Readonly<Record<string, string>>,
  answer: Record<string, string> = { logout: 'yes' },
): Promise<string | undefined> {
  const query = new URLSearchParams(parameters).toString()
  const page = await browser.get(`${BASE}/realms/acme/session/end?${query}`)
  const form = formIn(page.text)
  assert.ok(form !== undefined, page.text)
  return (await browser.post(form.action, { ...form.fields, ...answer })).location
}

const isSignedIn = async (browser: Browser, config = app) => {
  const { url } = await site.authorize(config, browser, { prompt: 'none' })
  return url.searchParams.get('error') !== 'login_required'
}

describe('who signs out', () => {
  test('is signed out, sent where the client is registered to, and what was issued in the session ends', async () => {
    const browser = site.browser()
    const tokens = await site.signIn(app, browser)
    const { session } = await site.verify(acme, tokens.access_token)
    const location = await signOut(browser, {
      id_token_hint: String(tokens.id_token),
      post_logout_redirect_uri: BYE,
      state: 'back',
    })
    assert.equal(location, `${BYE}?state=back`)
    assert.equal(await isSignedIn(browser), false)
    await assert.rejects(client.refreshTokenGrant(app, String(tokens.refresh_token)))
    assert.ok(site.revocations.some((one) => one.kind === 'session' && one.id === session))
  })

  test('stays signed in when the question is answered with no, and when nobody answers', async () => {
    const browser = site.browser()
    const tokens = await site.signIn(app, browser)
    await browser.get(`${BASE}/realms/acme/session/end?id_token_hint=${tokens.id_token}`)
    assert.equal(await isSignedIn(browser), true)
    await signOut(browser, {}, {})
    assert.equal(await isSignedIn(browser), true)
  })

  test('keeps what was allowed to go on without the user', async () => {
    const browser = site.browser()
    const offline = { scope: 'openid read offline_access', prompt: 'consent' }
    const tokens = await site.signIn(app, browser, offline)
    await signOut(browser, { id_token_hint: String(tokens.id_token) })
    assert.equal(await isSignedIn(browser), false)
    const next = await client.refreshTokenGrant(app, String(tokens.refresh_token))
    await site.verify(acme, next.access_token)
  })
})

describe('nobody', () => {
  test('is signed out by a form that is not ours', async () => {
    const browser = site.browser()
    await site.signIn(app, browser)
    await browser.get(`${BASE}/realms/acme/session/end`)
    for (const xsrf of ['', 'x'.repeat(48)]) {
      const page = await browser.post(`${BASE}/realms/acme/session/end/confirm`, {
        xsrf,
        logout: 'yes',
      })
      assert.equal(page.status, 400)
    }
    assert.equal(await isSignedIn(browser), true)
  })

  test('is sent to where no client is registered to, or by another realm’s ID token', async () => {
    const browser = site.browser()
    const tokens = await site.signIn(app, browser)
    const other = await site.realm('globex')
    const foreign = await site.signIn(await site.app(other.tenant, other.secret))
    const bad: readonly Record<string, string>[] = [
      { id_token_hint: String(tokens.id_token), post_logout_redirect_uri: 'https://evil.test/' },
      { id_token_hint: String(tokens.id_token), post_logout_redirect_uri: `${BYE}/` },
      { id_token_hint: String(foreign.id_token), post_logout_redirect_uri: BYE },
      { id_token_hint: `${tokens.id_token}x`, post_logout_redirect_uri: BYE },
      { client_id: 'nobody', post_logout_redirect_uri: BYE },
    ]
    for (const parameters of bad) {
      const query = new URLSearchParams(parameters).toString()
      const page = await browser.get(`${BASE}/realms/acme/session/end?${query}`)
      assert.deepEqual([page.status >= 400, page.location], [true, undefined])
      assert.ok(!page.text.includes('evil.test'))
    }
    // Without a hint, who asked is not known: nobody is sent anywhere.
    const location = await signOut(browser, { post_logout_redirect_uri: 'https://evil.test/' })
    assert.ok(location?.startsWith(`${BASE}/realms/acme/session/end/success`))
  })
})

describe('back-channel logout', () => {
  test('tells the client of the session that ended, signed by the realm', async () => {
    const id = parseClientId('listening')
    const secret = await site.identity.realms.putClient(acme, id, {
      roles: [],
      scopes: ['read'],
      grantTypes: ['authorization_code'],
      redirectUris: [CALLBACK],
      backchannelLogoutUri: `${told.url}/logout`,
    })
    const config = await site.app(acme, String(secret), { client_id: id })
    const browser = site.browser()
    const tokens = await site.signIn(config, browser)
    await signOut(browser, { id_token_hint: String(tokens.id_token) })
    assert.equal(logoutTokens.length, 1)
    const jwks = JSON.parse((await site.ask('/realms/acme/jwks')).text) as JSONWebKeySet
    const { payload } = await jwtVerify(logoutTokens[0] ?? '', createLocalJWKSet(jwks), {
      issuer: `${BASE}/realms/acme`,
      audience: id,
      typ: 'logout+jwt',
    })
    const access = await site.verify(acme, tokens.access_token)
    // The session by which ID token, access token and logout token name it is one.
    assert.deepEqual([payload['sid'], tokens.claims()?.['sid']], [access.session, access.session])
  })

  test('calls nobody inside, unless the platform is told that it may', async () => {
    const strict = await site.open({ insideAllowed: false })
    let calls = 0
    const inside = createServer((_request, response) => {
      calls += 1
      response.end()
    })
    await new Promise<void>((resolve) => inside.listen(0, '127.0.0.1', resolve))
    const address = inside.address()
    assert.ok(address !== null && typeof address === 'object')
    const realm = await site.realm('inside')
    const id = parseClientId('spy')
    const config = async (uri: string) => {
      const secret = await site.identity.realms.putClient(realm.tenant, id, {
        roles: [],
        scopes: ['read'],
        grantTypes: ['authorization_code'],
        redirectUris: [CALLBACK],
        backchannelLogoutUri: uri,
      })
      return site.app(realm.tenant, String(secret), { client_id: id }, await site.transport(strict))
    }
    const transport = await site.transport(strict)
    for (const uri of [
      `http://127.0.0.1:${address.port}/`,
      `https://127.0.0.1:${address.port}/`,
      `https://localhost:${address.port}/`,
    ]) {
      const browser = new Browser(transport)
      const tokens = await site.signIn(await config(uri), browser)
      const hint = `id_token_hint=${tokens.id_token}`
      const page = await browser.get(`${BASE}/realms/inside/session/end?${hint}`)
      const form = formIn(page.text)
      assert.ok(form !== undefined)
      await browser.post(form.action, { ...form.fields, logout: 'yes' })
    }
    assert.equal(calls, 0)
    inside.close()
  })
})
