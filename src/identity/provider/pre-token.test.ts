import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import * as client from 'openid-client'
import { RingfenceError } from '../../core/errors.ts'
import { parseClientId, parseSubject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import { type Authorities, authoritiesOf } from './authorities.ts'
import { formIn } from './browser.test-support.ts'
import { API_KEY_CLIENT } from './built-in-clients.ts'
import {
  ALICE,
  CALLBACK,
  type ProviderSite,
  startProviderSite,
} from './provider-site.test-support.ts'
import { TOKEN_EXCHANGE } from './realm-settings.ts'
import { ACCESS_TOKEN_TYPE, API_KEY_TYPE } from './token-exchange.ts'

/** What the records say, until a test has them say something else. */
let records: Authorities
const step: { instead?: Partial<Authorities> } = {}

let site: ProviderSite
let acme: TenantId
let app: client.Configuration
before(async () => {
  const authorities: Authorities = {
    user: (...who) => (step.instead ?? records).user?.(...who) ?? records.user(...who),
    client: (...who) => (step.instead ?? records).client?.(...who) ?? records.client(...who),
    account: (...who) => records.account(...who),
  }
  site = await startProviderSite({ authorities })
  const { directory, clients } = site.identity.parts
  records = authoritiesOf(directory, clients)
  const realm = await site.realm('acme')
  acme = realm.tenant
  app = await site.app(acme, realm.secret)
})
after(() => site.stop())
beforeEach(() => {
  delete step.instead
  site.signsIn.subject = ALICE
})

/** Every way to a token, each prepared while the records still answer. */
async function waysToATokens(): Promise<ReadonlyMap<string, () => Promise<unknown>>> {
  const signedIn = await site.signIn(app)
  const authorized = await site.authorize(app)
  const device = await client.initiateDeviceAuthorization(app, { scope: 'openid read' })
  await confirmDevice(String(device.verification_uri_complete))
  const key = await site.identity.realms.createApiKey(acme, ALICE, {
    label: 'x',
    scopes: ['read'],
    days: 1,
  })
  const keys = await site.app(acme, client.None(), { client_id: API_KEY_CLIENT })
  return new Map<string, () => Promise<unknown>>([
    [
      'authorization_code',
      () =>
        client.authorizationCodeGrant(app, authorized.url, {
          pkceCodeVerifier: authorized.verifier,
          expectedState: 'the-state',
        }),
    ],
    ['refresh_token', () => client.refreshTokenGrant(app, String(signedIn.refresh_token))],
    ['client_credentials', () => client.clientCredentialsGrant(app)],
    [
      'device_code',
      () =>
        client.genericGrantRequest(app, 'urn:ietf:params:oauth:grant-type:device_code', {
          device_code: device.device_code,
        }),
    ],
    [
      'token_exchange',
      () =>
        client.genericGrantRequest(app, TOKEN_EXCHANGE, {
          subject_token: signedIn.access_token,
          subject_token_type: ACCESS_TOKEN_TYPE,
        }),
    ],
    [
      'api_key',
      () =>
        client.genericGrantRequest(keys, TOKEN_EXCHANGE, {
          subject_token: key.secret,
          subject_token_type: API_KEY_TYPE,
        }),
    ],
  ])
}

async function confirmDevice(url: string): Promise<void> {
  const browser = site.browser()
  let page = await browser.get(url)
  for (let hops = 0; hops < 10 && !page.text.includes('is connected'); hops += 1) {
    const form = formIn(page.text)
    if (page.location !== undefined) page = await browser.get(page.location)
    else if (form !== undefined) page = await browser.post(form.action, form.fields)
    else throw new Error(page.text)
  }
}

/** Nothing that is a token may be in what went wrong. */
async function issuesNothing(ways: ReadonlyMap<string, () => Promise<unknown>>): Promise<void> {
  for (const [grant, ask] of ways) {
    await assert.rejects(ask(), (error: unknown) => {
      assert.ok(!JSON.stringify(error).includes('eyJ'), grant)
      return true
    })
  }
}

describe('when the pre-token step fails, no token of any grant is issued, and no ID token', () => {
  const failures: readonly (readonly [string, unknown])[] = [
    ['with an error of its own', new Error('the step is broken')],
    ['because the database is away', new RingfenceError('engine_unavailable', 'away')],
    ['with something that is no error', 'no error'],
  ]
  for (const [why, error] of failures) {
    test(why, async () => {
      const ways = await waysToATokens()
      const fail = () => Promise.reject(error)
      step.instead = { user: fail, client: fail }
      await issuesNothing(ways)
    })
  }

  test('because it knows nobody', async () => {
    const ways = await waysToATokens()
    const nobody = () => Promise.resolve(undefined)
    step.instead = { user: nobody, client: nobody }
    await issuesNothing(ways)
  })

  test('at the last moment, after everything was looked at', async () => {
    for (const [grant, ask] of await waysToATokens()) {
      if (grant === 'token_exchange' || grant === 'api_key') continue
      let looks = 0
      // What is asked first is answered; what is asked right before the signature is not.
      step.instead = {
        user: (...who) => (++looks > 1 ? Promise.reject(new Error('gone')) : records.user(...who)),
        client: (...who) =>
          ++looks > 1 ? Promise.reject(new Error('gone')) : records.client(...who),
      }
      await assert.rejects(ask(), grant)
      assert.ok(looks > 1, grant)
      delete step.instead
    }
  })
})

describe('what the records say at the time is what a token says', () => {
  test('a user whose roles and scopes have changed gets the new ones with a refresh', async () => {
    const frank = parseSubject('frank')
    const { realms } = site.identity
    await realms.putUser(acme, frank, { roles: ['nurse'], scopes: ['read', 'write'] })
    site.signsIn.subject = frank
    const tokens = await site.signIn(app)
    await realms.putUser(acme, frank, { roles: ['porter'], scopes: ['read'] })
    const next = await client.refreshTokenGrant(app, String(tokens.refresh_token))
    const access = await site.verify(acme, next.access_token)
    assert.deepEqual([access.roles, access.scopes], [['porter'], ['read']])
  })

  test('a user who was made inactive gets nothing, and what there was is revoked', async () => {
    const grace = parseSubject('grace')
    const { realms, parts } = site.identity
    await realms.putUser(acme, grace, { roles: [], scopes: ['read'] })
    site.signsIn.subject = grace
    const browser = site.browser()
    const tokens = await site.signIn(app, browser)
    await parts.directory.changeAccount(acme, grace, { active: false })
    assert.ok(site.revocations.some((one) => one.kind === 'subject' && one.id === grace))
    await assert.rejects(client.refreshTokenGrant(app, String(tokens.refresh_token)))
    const { url } = await site.authorize(app, browser, { prompt: 'none' })
    assert.equal(url.searchParams.get('error'), 'login_required')
    assert.equal((await client.tokenIntrospection(app, tokens.access_token)).active, false)
  })

  test('a refresh that is under way when all of the user’s access ends gives nothing', async () => {
    const ivan = parseSubject('ivan')
    await site.identity.realms.putUser(acme, ivan, { roles: [], scopes: ['read'] })
    site.signsIn.subject = ivan
    const tokens = await site.signIn(app)
    const { database, endAccess } = site.identity.parts
    let looks = 0
    step.instead = {
      async user(...who) {
        if (++looks === 2) {
          await database.transaction((rows) => endAccess.ofSubject(rows, acme, ivan))
        }
        return records.user(...who)
      },
    }
    const refresh = () => client.refreshTokenGrant(app, String(tokens.refresh_token))
    await assert.rejects(refresh())
    assert.equal(looks, 2)
    delete step.instead
    await assert.rejects(refresh())
  })

  test('a user who is removed while a session goes on in another store is asked to sign in', async () => {
    const heidi = parseSubject('heidi')
    await site.identity.realms.putUser(acme, heidi, { roles: [], scopes: ['read'] })
    site.signsIn.subject = heidi
    const browser = site.browser()
    await site.signIn(app, browser)
    step.instead = {
      user: (tenant, subject) =>
        subject === heidi ? Promise.resolve(undefined) : records.user(tenant, subject),
    }
    site.signsIn.subject = ALICE
    await site.signIn(app, browser)
    assert.ok(site.signsIn.prompts.includes('login: no_such_user'))
  })

  test('roles, tenant and scopes that a client sends are not read', async () => {
    const { url, verifier } = await site.authorize(app, undefined, {
      tenant_id: 'globex',
      roles: 'admin',
      claims: JSON.stringify({ id_token: { tenant_id: { value: 'globex' } } }),
      scope: 'openid read admin',
    })
    const tokens = await client.authorizationCodeGrant(
      app,
      url,
      { pkceCodeVerifier: verifier, expectedState: 'the-state' },
      { tenant_id: 'globex', roles: 'admin', sub: 'bob' },
    )
    const access = await site.verify(acme, tokens.access_token)
    assert.deepEqual(
      [access.tenant, access.subject, access.roles, access.scopes],
      ['acme', 'alice', ['nurse'], ['read']],
    )
    assert.equal(tokens.claims()?.['tenant_id'], 'acme')
  })

  test('a closed realm issues nothing, and what it issued is void when it is open again', async () => {
    const { tenant, secret } = await site.realm('closing')
    const config = await site.app(tenant, secret)
    const browser = site.browser()
    const tokens = await site.signIn(config, browser)
    const { url, verifier } = await site.authorize(config, browser)
    await site.identity.realms.setOpen(tenant, false)
    const code = () =>
      client.authorizationCodeGrant(config, url, {
        pkceCodeVerifier: verifier,
        expectedState: 'the-state',
      })
    const refresh = () => client.refreshTokenGrant(config, String(tokens.refresh_token))
    const own = () => client.clientCredentialsGrant(config)
    for (const ask of [code, refresh, own]) await assert.rejects(ask())
    assert.ok(site.revocations.some((one) => one.kind === 'tenant' && one.tenant === tenant))
    await site.identity.realms.setOpen(tenant, true)
    for (const ask of [code, refresh]) await assert.rejects(ask())
    await own()
  })

  test('a realm whose keys are replaced signs with the new one at once, at every process', async () => {
    const { tenant, secret } = await site.realm('stolen')
    const there = await site.open()
    const config = await site.app(tenant, secret, {}, await site.transport(there))
    const before = (await client.clientCredentialsGrant(config)).access_token
    await site.identity.realms.rotateKeys(tenant, true)
    await assert.rejects(site.verify(tenant, before), { code: 'invalid_token' })
    const deadline = Date.now() + 10_000
    for (;;) {
      const { access_token } = await client.clientCredentialsGrant(config)
      const isNew = await site.verify(tenant, access_token).then(
        () => true,
        () => false,
      )
      if (isNew) break
      assert.ok(Date.now() < deadline, 'the other process goes on with the stolen key')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })
})

test('the client whose redirect URI is taken away has no use of codes that are under way', async () => {
  const moved = parseClientId('moved')
  const details = {
    roles: [],
    scopes: ['read'],
    grantTypes: ['authorization_code' as const],
    redirectUris: [CALLBACK],
  }
  const secret = await site.identity.realms.putClient(acme, moved, details)
  const config = await site.app(acme, String(secret), { client_id: moved })
  const { url, verifier } = await site.authorize(config)
  const renewed = await site.identity.realms.putClient(acme, moved, {
    ...details,
    redirectUris: ['https://elsewhere.test/cb'],
  })
  const again = await site.app(acme, String(renewed), { client_id: moved })
  await assert.rejects(
    client.authorizationCodeGrant(again, url, {
      pkceCodeVerifier: verifier,
      expectedState: 'the-state',
    }),
  )
})

test('when everything is revoked, everybody signs in again', async () => {
  const tokens = await site.signIn(app)
  const { database, endAccess } = site.identity.parts
  await database.transaction((rows) => endAccess.ofEverything(rows))
  assert.equal(site.revocations.at(-1)?.kind, 'everything')
  await assert.rejects(client.refreshTokenGrant(app, String(tokens.refresh_token)))
  assert.equal((await client.tokenIntrospection(app, tokens.access_token)).active, false)
})
