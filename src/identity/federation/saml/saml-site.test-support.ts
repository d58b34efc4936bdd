import assert from 'node:assert/strict'
import type { TenantId } from '../../../core/tenant.ts'
import { Browser, type Page } from '../browser.test-support.ts'
import type { FederationSite } from '../federation-site.test-support.ts'
import { encoded, type IdpKeys, readAuthnRequest } from './hostile-idp.test-support.ts'

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
    `${issuer}/federation/${connection}/start?interaction=${interaction}`,
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
