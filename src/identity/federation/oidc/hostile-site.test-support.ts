import assert from 'node:assert/strict'
import type { TenantId } from '../../../core/tenant.ts'
import { Browser, type Page } from '../browser.test-support.ts'
import { type FederationSite, startFederationSite } from '../federation-site.test-support.ts'
import { type HostileProvider, startHostileProvider } from './hostile-provider.test-support.ts'

export const CLIENT = 'ringfence'
export const SECRET = 'client-secret-of-this-test'

export interface Started {
  readonly interaction: string
  readonly browser: Browser
  readonly callback: string
  readonly state: string
  readonly nonce: string
}

/** Two realms that use one provider, which answers whatever a test wants. */
export interface HostileSite extends FederationSite {
  readonly idp: HostileProvider
  readonly acme: TenantId
  readonly globex: TenantId
  connect(tenant: TenantId, id: string): Promise<void>
  /** Begins a sign-in in a new browser. */
  start(tenant: TenantId, connection?: string): Promise<Started>
  /** Claims of an ID token with which nothing is wrong. */
  good(
    started: Pick<Started, 'nonce'>,
  ): Readonly<Record<string, unknown>> & { readonly iat: number }
  /** Gives the browser an answer, and goes on to the end. */
  answer(
    started: Pick<Started, 'browser' | 'callback'>,
    parameters: Readonly<Record<string, string>>,
  ): Promise<Page>
  /** Nobody is signed in, and the reason is in the log and nowhere else. */
  assertRefused(page: Page, reason: string): void
  /** Forgets what was recorded and how the provider was changed. */
  reset(): void
}

export async function startHostileSite(): Promise<HostileSite> {
  const site = await startFederationSite()
  const idp = await startHostileProvider()
  const acme = await site.realm('acme')
  const globex = await site.realm('globex')
  let interactions = 0
  const hostile: HostileSite = {
    ...site,
    idp,
    acme,
    globex,
    async connect(tenant, id) {
      const { administration } = site.federation
      await administration.allowSource(tenant, { kind: 'oidc', source: idp.issuer })
      await administration.putConnection(tenant, id, {
        kind: 'oidc',
        displayName: 'Corporate',
        clientSecret: SECRET,
        config: { issuer: idp.issuer, clientId: CLIENT, provisioning: 'create' },
      })
    },
    async start(tenant, connection = 'corporate') {
      const browser = new Browser()
      const issuer = site.issuer(tenant)
      const interaction = `i-${++interactions}`
      browser.enter(issuer, interaction)
      const { location = '', text } = await browser.get(
        `${issuer}/interaction/${interaction}/federation/${connection}`,
      )
      assert.notEqual(location, '', text)
      const sent = new URL(location).searchParams
      return {
        interaction,
        browser,
        callback: sent.get('redirect_uri') ?? '',
        state: sent.get('state') ?? '',
        nonce: sent.get('nonce') ?? '',
      }
    },
    good({ nonce }) {
      const now = Math.floor(Date.now() / 1000)
      return { iss: idp.issuer, aud: CLIENT, sub: 'u1', iat: now, exp: now + 60, nonce }
    },
    async answer({ browser, callback }, parameters) {
      const page = await browser.get(`${callback}?${query(parameters)}`)
      return page.location === undefined ? page : browser.follow(page.location)
    },
    assertRefused(page, reason) {
      assert.equal(page.status, 403)
      assert.equal(site.finished.length, 0)
      assert.match(site.logged.at(-1) ?? '', new RegExp(reason))
      assert.doesNotMatch(page.text, new RegExp(reason))
    },
    reset() {
      idp.discovery = {}
      idp.tokenRequests.length = 0
      site.finished.length = 0
      site.logged.length = 0
    },
    async stop() {
      await idp.stop()
      await site.stop()
    },
  }
  for (const tenant of [acme, globex]) await hostile.connect(tenant, 'corporate')
  return hostile
}

/** All that the browser has, sent where it would not send it. */
export function cookiesFor({ browser }: Pick<Started, 'browser'>): string {
  return browser.cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
}

export function query(parameters: Readonly<Record<string, string>>): string {
  return new URLSearchParams(parameters).toString()
}
