import assert from 'node:assert/strict'
import * as client from 'openid-client'
import type { TenantId } from '../../core/tenant.ts'
import { BASE } from '../identity-site.test-support.ts'
import type { IdentityOptions } from '../open-identity.ts'
import { realmPages } from '../pages/realm-pages.ts'
import { formIn } from '../provider/browser.test-support.ts'
import { CALLBACK } from '../provider/provider-site.test-support.ts'
import { type SessionsSite, startSessionsSite } from '../sessions/sessions-site.test-support.ts'
import { openSignIn } from '../sign-in/open-sign-in.ts'
import { CHEAP } from '../sign-in/sign-in-site.test-support.ts'
import { Browser, type Page } from './browser.test-support.ts'
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
/** Where the application is, and browsers go no further. */
const APP = /^https:\/\/app\.test\/cb/

/** A whole identity plane: the realm's provider, its pages, its sign-in, and federation. */
export interface SignInSite {
  readonly site: SessionsSite
  readonly federation: Federation
  readonly idp: FriendlyProvider
  readonly tenant: TenantId
  readonly app: client.Configuration
  readonly logged: string[]
  browser(): Browser
  /** Has the realm trust the OpenID provider, as its connection `corporate`. */
  connectOidc(change?: { readonly enabled?: boolean }): Promise<void>
  connectSaml(): Promise<void>
  /** An application sends a browser to its realm. */
  begin(parameters?: Readonly<Record<string, string>>): Promise<Begun>
  /** The provider's answer by SAML, up to where the browser goes on from it. */
  samlAnswer(begun: Begun, context?: string): Promise<Page>
  throughOidc(begun: Begun): Promise<Page>
  throughSaml(begun: Begun, context?: string): Promise<Page>
  /** The user allows what the page asks. */
  consented(begun: Begun, page: Page): Promise<Page>
  tokensOf(begun: Begun, page: Page): Promise<client.TokenEndpointResponse>
  stop(): Promise<void>
}

export interface Begun {
  readonly browser: Browser
  readonly verifier: string
  /** The page that asks who it is. */
  readonly page: Page
}

export async function startSignInSite(changes: Partial<IdentityOptions> = {}): Promise<SignInSite> {
  const logged: string[] = []
  const log = (line: string) => logged.push(line)
  const late: { federation?: Federation } = {}
  const site = await startSessionsSite({
    ...changes,
    mount: async (parts) => {
      const { database, sealing, directory, endSignedInBy } = parts
      const signIn = await openSignIn({
        database,
        sealing,
        directory,
        log,
        endAccess: () => Promise.resolve(),
        mailer: { send: () => Promise.resolve(), close: () => Promise.resolve() },
        hashCost: CHEAP,
      })
      const federation = openFederation({
        database,
        sealing,
        directory,
        log,
        endSignedInBy,
        outbound: { allowHttp: true, allowNetworks: ['127.0.0.0/8'] },
        finished: continueSignIn(signIn.signIn),
      })
      late.federation = federation
      const pages = realmPages({ ...signIn, directory, choices: federation.choices, log })
      return { handlers: [federation.handler, pages], close: () => signIn.close() }
    },
  })
  const { federation } = late
  assert.ok(federation)
  const { administration } = federation
  const address = await site.address()
  const { tenant, app } = await site.newRealm('acme')
  const provider: { issuer: string } = { issuer: '' }
  const connectOidc: SignInSite['connectOidc'] = async (change = {}) => {
    await administration.allowSource(tenant, { kind: 'oidc', source: provider.issuer })
    await administration.putConnection(tenant, 'corporate', {
      kind: 'oidc',
      displayName: 'Acme staff',
      clientSecret: SECRET,
      config: {
        issuer: provider.issuer,
        clientId: 'ringfence',
        scopes: ['openid', 'profile'],
        provisioning: 'create',
      },
      ...change,
    })
  }
  const idp = await startFriendlyProvider(async (issuer) => {
    provider.issuer = issuer
    await connectOidc()
    return [
      {
        client_id: 'ringfence',
        client_secret: SECRET,
        redirect_uris: [`${BASE}/realms/acme/federation/corporate/callback`],
      },
    ]
  })
  const keys: IdpKeys = await idpKeys('idp')
  const samlAnswer: SignInSite['samlAnswer'] = async ({ browser, page }, context) => {
    const out = await browser.get(linkOf(page, 'SAML staff'))
    const request = readAuthnRequest(out.location ?? '')
    const parts = {
      ...goodParts(request, ENTITY_ID),
      ...(context === undefined ? {} : { context }),
    }
    const fields = {
      SAMLResponse: encoded(signedResponse(parts, keys)),
      RelayState: request.relayState,
    }
    return browser.post(request.acs, fields)
  }
  const made: SignInSite = {
    site,
    federation,
    idp,
    tenant,
    app,
    logged,
    browser: () =>
      new Browser((url, init) => {
        const headers = new Headers(init.headers)
        // As browsers say with forms of our own pages.
        headers.set('sec-fetch-site', 'same-origin')
        return fetch(url.replace(BASE, address), { ...init, headers })
      }),
    connectOidc,
    async connectSaml() {
      await administration.allowSource(tenant, { kind: 'saml', source: ENTITY_ID })
      await administration.putConnection(tenant, 'saml', {
        kind: 'saml',
        displayName: 'SAML staff',
        config: {
          entityId: ENTITY_ID,
          trust: { ssoUrl: SSO_URL, certificates: [keys.certificate] },
          provisioning: 'create',
          trustFactors: true,
        },
      })
    },
    async begin(parameters = {}) {
      const verifier = client.randomPKCECodeVerifier()
      const url = client.buildAuthorizationUrl(app, {
        redirect_uri: CALLBACK,
        scope: 'openid read',
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        state: 'the-state',
        ...parameters,
      })
      const browser = made.browser()
      return { browser, verifier, page: await browser.follow(url.href) }
    },
    samlAnswer,
    throughOidc: ({ browser, page }) => browser.follow(linkOf(page, 'Acme staff'), APP),
    async throughSaml(begun, context) {
      const answered = await samlAnswer(begun, context)
      assert.equal(answered.status, 303, logged.join())
      return begun.browser.follow(answered.location ?? '', APP)
    },
    async consented({ browser }, { text, url }) {
      const { action, fields } = formIn(text) ?? { action: '', fields: {} }
      const { location = '' } = await browser.post(new URL(action, url).href, {
        ...fields,
        answer: 'allow',
      })
      return browser.follow(location, APP)
    },
    async tokensOf({ verifier }, { location = '', status, text }) {
      assert.ok(location.startsWith(CALLBACK), `${status} ${text} ${logged.join()}`)
      return client.authorizationCodeGrant(app, new URL(location), {
        pkceCodeVerifier: verifier,
        expectedState: 'the-state',
        idTokenExpected: true,
      })
    },
    async stop() {
      await idp.stop()
      await site.stop()
    },
  }
  await made.connectSaml()
  return made
}

export function linkOf({ text, url }: Page, label: string): string {
  const href = new RegExp(`href="([^"]+)"[^>]*>\\s*Continue with ${label}`).exec(text)?.[1]
  assert.ok(href, text)
  return new URL(href, url).href
}
