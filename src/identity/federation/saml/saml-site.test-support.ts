import assert from 'node:assert/strict'
import type { TenantId } from '../../../core/tenant.ts'
import { Browser, type Page } from '../browser.test-support.ts'
import { type FederationSite, startFederationSite } from '../federation-site.test-support.ts'
import {
  encoded,
  goodParts,
  type IdpKeys,
  idpKeys,
  type Parts,
  readAuthnRequest,
} from './hostile-idp.test-support.ts'

export const ENTITY_ID = 'https://idp.example/saml'
export const SSO_URL = 'https://idp.example/sso?tenant=1'

let interactions = 0

/** Makes a connection to the provider with these keys. */
export async function connectSaml(
  site: FederationSite,
  tenant: TenantId,
  id: string,
  keys: readonly IdpKeys[],
  config: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const { administration } = site.federation
  await administration.allowSource(tenant, { kind: 'saml', source: ENTITY_ID })
  await administration.putConnection(tenant, id, {
    kind: 'saml',
    displayName: 'Corporate SAML',
    config: {
      entityId: ENTITY_ID,
      trust: { ssoUrl: SSO_URL, certificates: keys.map(({ certificate }) => certificate) },
      provisioning: 'create',
      ...config,
    },
  })
}

export type SamlRequest = ReturnType<typeof readAuthnRequest> & {
  readonly browser: Browser
  readonly interaction: string
}

/** Begins a sign-in in a new browser. */
export async function startSaml(
  site: FederationSite,
  tenant: TenantId,
  connection = 'saml',
): Promise<SamlRequest> {
  const browser = new Browser()
  const issuer = site.issuer(tenant)
  const interaction = `s-${++interactions}`
  browser.enter(issuer, interaction)
  const { location, text } = await browser.get(
    `${issuer}/interaction/${interaction}/federation/${connection}`,
  )
  assert.ok(location, text)
  return { ...readAuthnRequest(location), browser, interaction }
}

/** Hands a response in as the provider's page would, and goes on to the end. */
export async function handIn(
  { browser, acs, relayState }: Pick<SamlRequest, 'browser' | 'acs' | 'relayState'>,
  xml: string,
): Promise<Page> {
  const page = await browser.post(acs, { SAMLResponse: encoded(xml), RelayState: relayState })
  return page.location === undefined ? page : browser.follow(page.location)
}

export interface SamlSite extends FederationSite {
  /** Two realms that use the same provider, each by a connection `saml`. */
  readonly acme: TenantId
  readonly globex: TenantId
  /** The provider's keys, and somebody else's. */
  readonly keys: IdpKeys
  readonly stranger: IdpKeys
  start(tenant: TenantId, connection?: string): Promise<SamlRequest>
  /** One try at acme, from a new request to its end. What was recorded before is forgotten. */
  attempt(
    make: (parts: Parts) => string,
  ): Promise<{ readonly page: Page; readonly request: SamlRequest }>
  /** Nobody was signed in, and the reason is in the log. */
  assertRefused(page: Page, reason: string): void
}

export async function startSamlSite(): Promise<SamlSite> {
  const site = await startFederationSite()
  const acme = await site.realm('acme')
  const globex = await site.realm('globex')
  const [keys, stranger] = [await idpKeys('idp'), await idpKeys('stranger')]
  for (const tenant of [acme, globex]) await connectSaml(site, tenant, 'saml', [keys])
  return {
    ...site,
    acme,
    globex,
    keys,
    stranger,
    start: (tenant, connection) => startSaml(site, tenant, connection),
    async attempt(make) {
      site.finished.length = 0
      const request = await startSaml(site, acme)
      const page = await handIn(request, make(goodParts(request, ENTITY_ID)))
      return { page, request }
    },
    assertRefused(page, reason) {
      assert.equal(site.finished.length, 0, page.text)
      assert.equal(page.status, 403)
      assert.match(site.logged.at(-1) ?? '', new RegExp(reason))
    },
  }
}
