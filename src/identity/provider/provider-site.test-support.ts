import assert from 'node:assert/strict'
import * as client from 'openid-client'
import { parseClientId, parseSubject } from '../../core/names.ts'
import { parseTenantId, type TenantId } from '../../core/tenant.ts'
import { verifyAccessToken } from '../../tokens/access-token.ts'
import { KeySet } from '../../tokens/verify-token.ts'
import {
  AUDIENCE,
  BASE,
  type IdentitySite,
  startIdentitySite,
} from '../identity-site.test-support.ts'
import type { Identity, IdentityOptions } from '../open-identity.ts'
import { Browser, type Transport } from './browser.test-support.ts'
import type { RealmHandler } from './realm-context.ts'
import type { RealmSettingsInput } from './realm-settings.ts'

export const CALLBACK = 'https://app.test/cb'
export const ALICE = parseSubject('alice')
export const APP = parseClientId('app')
const ALL_GRANTS = [
  'authorization_code',
  'refresh_token',
  'client_credentials',
  'urn:ietf:params:oauth:grant-type:device_code',
  'urn:ietf:params:oauth:grant-type:token-exchange',
] as const

/** For `assert.rejects`: the realm answered with this error code. */
export function refused(error: string): (thrown: unknown) => boolean {
  return (thrown) => {
    assert.ok(thrown instanceof client.ResponseBodyError, String(thrown))
    assert.equal(thrown.error, error)
    return true
  }
}

/** Who signs in at the interactions of a realm, and how, until a test says something else. */
export interface SignsIn {
  subject: string
  acr: string
  amr: readonly string[]
  /** Scopes of the platform's that the user refuses when asked. */
  refuses: readonly string[]
  /** What interactions asked for, in order. */
  readonly prompts: string[]
}

export interface ProviderSite extends IdentitySite {
  readonly signsIn: SignsIn
  /** A realm with the user alice and the client app, and the app's secret. */
  realm(name: string, settings?: RealmSettingsInput): Promise<{ tenant: TenantId; secret: string }>
  /** The app of a realm, as openid-client sees it. */
  app(
    tenant: TenantId,
    secret: string | client.ClientAuth,
    metadata?: Partial<client.ClientMetadata> & { readonly client_id?: string },
    transport?: Transport,
  ): Promise<client.Configuration>
  browser(): Browser
  /** Has the user sign in, up to the URL of the app that the browser is sent to. */
  authorize(
    config: client.Configuration,
    browser?: Browser,
    parameters?: Readonly<Record<string, string>>,
  ): Promise<{ readonly url: URL; readonly verifier: string }>
  /** The same, and exchanges the code. */
  signIn(
    config: client.Configuration,
    browser?: Browser,
    parameters?: Readonly<Record<string, string>>,
  ): Promise<client.TokenEndpointResponse & client.TokenEndpointResponseHelpers>
  verify(tenant: TenantId, token: string): ReturnType<typeof verifyAccessToken>
  transport(identity?: Identity): Promise<Transport>
}

/** Identity with realms whose interactions are answered at once, and openid-client as their client. */
export async function startProviderSite(
  changes: Partial<IdentityOptions> = {},
): Promise<ProviderSite> {
  const signsIn: SignsIn = {
    subject: ALICE,
    acr: 'urn:ringfence:acr:1',
    amr: ['pwd'],
    refuses: [],
    prompts: [],
  }
  const site = await startIdentitySite({
    mount: () => ({ handlers: [answering(signsIn)] }),
    ...changes,
  })
  const transport = async (identity?: Identity): Promise<Transport> => {
    const address = await site.address(identity)
    return (url, init) => fetch(url.replace(BASE, address), { ...init, redirect: 'manual' })
  }
  const first = await transport()
  const authorize: ProviderSite['authorize'] = async (
    config,
    browser = new Browser(first),
    more,
  ) => {
    const verifier = client.randomPKCECodeVerifier()
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: CALLBACK,
      scope: 'openid read write',
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state: 'the-state',
      ...more,
    })
    return { url: new URL(await browser.until(url.href, CALLBACK)), verifier }
  }
  return Object.assign(site, {
    signsIn,
    transport,
    authorize,
    async realm(name: string, settings: RealmSettingsInput = {}) {
      const tenant = parseTenantId(name)
      const { realms } = site.identity
      await realms.ensure(tenant, `${name} Ltd`)
      await realms.putSettings(tenant, settings)
      await realms.putUser(tenant, ALICE, { roles: ['nurse'], scopes: ['read', 'write'] })
      const secret = await realms.putClient(tenant, APP, {
        roles: ['app'],
        scopes: ['read', 'write'],
        grantTypes: [...ALL_GRANTS],
        redirectUris: [CALLBACK],
        postLogoutRedirectUris: ['https://app.test/bye'],
      })
      return { tenant, secret: String(secret) }
    },
    async app(
      tenant: TenantId,
      secret: string | client.ClientAuth,
      metadata: Partial<client.ClientMetadata> & { readonly client_id?: string } = {},
      to: Transport = first,
    ) {
      const { client_id = APP, ...rest } = metadata
      const issuer = new URL(`${BASE}/realms/${tenant}`)
      const auth = typeof secret === 'string' ? client.ClientSecretBasic(secret) : secret
      const options = { [client.customFetch]: (url: string, init: object) => to(url, init) }
      return client.discovery(issuer, client_id, rest, auth, options)
    },
    browser: () => new Browser(first),
    async signIn(
      config: client.Configuration,
      browser?: Browser,
      parameters?: Readonly<Record<string, string>>,
    ) {
      const { url, verifier } = await authorize(config, browser, parameters)
      return client.authorizationCodeGrant(config, url, {
        pkceCodeVerifier: verifier,
        expectedState: 'the-state',
        idTokenExpected: true,
      })
    },
    async verify(tenant: TenantId, token: string) {
      const keys = new KeySet(await site.identity.parts.keys.verifying(tenant))
      const realm = { issuer: `${BASE}/realms/${tenant}`, audience: AUDIENCE }
      return verifyAccessToken(token, keys, realm)
    },
  })
}

/** Pages that sign in whom the test says and consent to what is asked, without asking anybody. */
function answering(signsIn: SignsIn): RealmHandler {
  return async ({ provider }, request, response) => {
    if (!request.url.startsWith('/interaction/')) return false
    const details = await provider.interactionDetails(request, response)
    const { prompt, params, grantId, session } = details
    signsIn.prompts.push(`${prompt.name}: ${prompt.reasons.join(', ')}`)
    if (prompt.name === 'login') {
      const { subject: accountId, acr, amr } = signsIn
      await provider.interactionFinished(request, response, {
        login: { accountId, acr, amr: [...amr] },
      })
      return true
    }
    const grant =
      (grantId === undefined ? undefined : await provider.Grant.find(grantId)) ??
      new provider.Grant({ accountId: session?.accountId, clientId: String(params['client_id']) })
    const asked = String(params['scope']).split(' ')
    grant.addOIDCScope(asked.join(' '))
    const allowed = asked.filter((scope) => !signsIn.refuses.includes(scope))
    grant.addResourceScope(AUDIENCE, allowed.join(' '))
    if (signsIn.refuses.length > 0) grant.rejectResourceScope(AUDIENCE, signsIn.refuses.join(' '))
    const consent = { grantId: await grant.save() }
    await provider.interactionFinished(request, response, { consent })
    return true
  }
}
