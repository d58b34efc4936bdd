import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import * as client from 'openid-client'
import type { TenantId } from '../../core/tenant.ts'
import { BASE } from '../identity-site.test-support.ts'
import { realmPages } from '../pages/realm-pages.ts'
import {
  CALLBACK,
  type ProviderSite,
  startProviderSite,
} from '../provider/provider-site.test-support.ts'
import { openSignIn } from '../sign-in/open-sign-in.ts'
import { CHEAP } from '../sign-in/sign-in-site.test-support.ts'
import { Browser, type Page, type Transport } from './browser.test-support.ts'
import { continueSignIn } from './flow/continue-sign-in.ts'
import {
  type FriendlyProvider,
  startFriendlyProvider,
} from './oidc/friendly-provider.test-support.ts'
import { type Federation, openFederation } from './open-federation.ts'
import {
  encoded,
  goodParts,
  type IdpKeys,
  idpKeys,
  readAuthnRequest,
  signedResponse,
} from './saml/hostile-idp.test-support.ts'
import { ENTITY_ID, SSO_URL } from './saml/saml-site.test-support.ts'

const SECRET = 'client-secret-of-this-test-only'
const ANN = { id: 'ann-at-idp', claims: { name: 'Ann Able' } }

let site: ProviderSite
let federation: Federation
let idp: FriendlyProvider
let keys: IdpKeys
let acme: { readonly tenant: TenantId; readonly secret: string }
let send: Transport
const logged: string[] = []

/** A whole identity plane: the realm's provider, its pages, its sign-in, and federation. */
before(async () => {
  site = await startProviderSite({
    mount: async (parts) => {
      const { database, sealing, directory } = parts
      const log = (line: string) => logged.push(line)
      const signIn = await openSignIn({
        database,
        sealing,
        directory,
        log,
        endAccess: () => Promise.resolve(),
        mailer: { send: () => Promise.resolve(), close: () => Promise.resolve() },
        hashCost: CHEAP,
      })
      federation = openFederation({
        database,
        sealing,
        directory,
        log,
        outbound: { allowHttp: true, allowNetworks: ['127.0.0.0/8'] },
        finished: continueSignIn(signIn.signIn),
      })
      const pages = realmPages({ ...signIn, directory, choices: federation.choices, log })
      return { handlers: [federation.handler, pages], close: () => signIn.close() }
    },
  })
  const address = await site.address()
  send = (url, init) => fetch(url.replace(BASE, address), init)
  acme = await site.realm('acme')
  idp = await startFriendlyProvider(async (issuer) => {
    await connectOidc(issuer)
    return [
      {
        client_id: 'ringfence',
        client_secret: SECRET,
        redirect_uris: [`${BASE}/realms/acme/federation/corporate/callback`],
      },
    ]
  })
  keys = await idpKeys('idp')
  const { administration } = federation
  await administration.allowSource(acme.tenant, { kind: 'saml', source: ENTITY_ID })
  await administration.putConnection(acme.tenant, 'saml', {
    kind: 'saml',
    displayName: 'SAML staff',
    config: {
      entityId: ENTITY_ID,
      trust: { ssoUrl: SSO_URL, certificates: [keys.certificate] },
      provisioning: 'create',
      trustFactors: true,
    },
  })
})
after(async () => {
  await idp.stop()
  await site.stop()
})
beforeEach(() => {
  idp.person = ANN
  logged.length = 0
})

async function connectOidc(issuer: string): Promise<void> {
  await federation.administration.allowSource(acme.tenant, { kind: 'oidc', source: issuer })
  await federation.administration.putConnection(acme.tenant, 'corporate', {
    kind: 'oidc',
    displayName: 'Acme staff',
    clientSecret: SECRET,
    config: {
      issuer,
      clientId: 'ringfence',
      scopes: ['openid', 'profile'],
      provisioning: 'create',
    },
  })
}

interface Begun {
  readonly browser: Browser
  readonly config: client.Configuration
  readonly verifier: string
  /** The page that asks who it is. */
  readonly page: Page
}

/** An application sends a browser to its realm. */
async function begin(parameters: Readonly<Record<string, string>> = {}): Promise<Begun> {
  const config = await site.app(acme.tenant, acme.secret)
  const verifier = client.randomPKCECodeVerifier()
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: CALLBACK,
    scope: 'openid read',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state: 'the-state',
    ...parameters,
  })
  const browser = new Browser(send)
  return { browser, config, verifier, page: await browser.follow(url.href) }
}

function linkOf({ text, url }: Page, label: string): string {
  const href = new RegExp(`href="([^"]+)"[^>]*>\\s*Continue with ${label}`).exec(text)?.[1]
  assert.ok(href, text)
  return new URL(href, url).href
}

async function tokenOf({ config, verifier }: Begun, { location = '', status, text }: Page) {
  assert.ok(location.startsWith(CALLBACK), `${status} ${text} ${logged.join()}`)
  const tokens = await client.authorizationCodeGrant(config, new URL(location), {
    pkceCodeVerifier: verifier,
    expectedState: 'the-state',
    idTokenExpected: true,
  })
  return site.verify(acme.tenant, tokens.access_token)
}

const APP = /^https:\/\/app\.test\/cb/

test('a person signs in at an application through the tenant’s own OpenID provider', async () => {
  const begun = await begin()
  const page = await begun.browser.follow(linkOf(begun.page, 'Acme staff'), APP)
  const access = await tokenOf(begun, page)
  assert.equal(access.tenant, acme.tenant)
  const account = await site.identity.parts.directory.account(acme.tenant, access.subject)
  assert.equal(account?.displayName, 'Ann Able')
})

test('the same person comes back as the same user, in another browser', async () => {
  const subjects = []
  for (let i = 0; i < 2; i++) {
    const begun = await begin()
    const page = await begun.browser.follow(linkOf(begun.page, 'Acme staff'), APP)
    subjects.push((await tokenOf(begun, page)).subject)
  }
  assert.equal(subjects[0], subjects[1])
})

test('a person signs in at an application through the tenant’s own SAML provider', async () => {
  const begun = await begin()
  const out = await begun.browser.get(linkOf(begun.page, 'SAML staff'))
  const request = readAuthnRequest(out.location ?? '')
  const xml = signedResponse(goodParts(request, ENTITY_ID), keys)
  const fields = { SAMLResponse: encoded(xml), RelayState: request.relayState }
  const answered = await begun.browser.post(request.acs, fields)
  assert.equal(answered.status, 303, logged.join())
  const page = await begun.browser.follow(answered.location ?? '', APP)
  assert.equal((await tokenOf(begun, page)).tenant, acme.tenant)
})

test('a second factor that is demanded is asked for, unless the provider is believed about it', async () => {
  const demand = { acr_values: 'urn:ringfence:acr:2' }
  const untrusted = await begin(demand)
  const stopped = await untrusted.browser.follow(linkOf(untrusted.page, 'Acme staff'), APP)
  assert.equal(stopped.location, undefined)
  assert.equal(stopped.status, 200)
  const trusted = await begin(demand)
  const out = await trusted.browser.get(linkOf(trusted.page, 'SAML staff'))
  const request = readAuthnRequest(out.location ?? '')
  const parts = { ...goodParts(request, ENTITY_ID), context: 'https://refeds.org/profile/mfa' }
  const fields = {
    SAMLResponse: encoded(signedResponse(parts, keys)),
    RelayState: request.relayState,
  }
  const answered = await trusted.browser.post(request.acs, fields)
  const page = await trusted.browser.follow(answered.location ?? '', APP)
  assert.ok(page.location?.startsWith(CALLBACK), `${page.status} ${page.text}`)
})

test('whoever has only the address of an interaction begins nothing with it', async () => {
  const begun = await begin()
  const page = await new Browser(send).get(linkOf(begun.page, 'Acme staff'))
  assert.equal(page.status, 403)
  assert.match(logged.at(-1) ?? '', /request_unknown/)
})

test('who is refused by the provider is not signed in', async () => {
  idp.person = undefined
  const begun = await begin()
  const page = await begun.browser.follow(linkOf(begun.page, 'Acme staff'), APP)
  assert.equal(page.status, 403)
  assert.match(logged.at(-1) ?? '', /provider_refused/)
})
