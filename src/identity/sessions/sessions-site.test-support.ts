import { decodeJwt } from 'jose'
import * as client from 'openid-client'
import type { AdapterPayload } from 'oidc-provider'
import type { TenantId } from '../../core/tenant.ts'
import { PostgresRevocations } from '../../revocation/postgres-revocations.ts'
import type { IdentityOptions } from '../open-identity.ts'
import { Browser } from '../provider/browser.test-support.ts'
import { type ProviderSite, startProviderSite } from '../provider/provider-site.test-support.ts'
import type { RealmSettingsInput } from '../provider/realm-settings.ts'
import type { SessionAdministration } from './session.ts'

export const FIREFOX =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0'
export const SAFARI =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1'
const COOKIE = '__Secure-rf_session'

/** A realm with the user alice, and its client app. */
export interface SiteRealm {
  readonly tenant: TenantId
  readonly app: client.Configuration
}

/** A browser in which somebody has signed in, with a refresh token that outlives the session. */
export interface SignedInBrowser {
  readonly browser: Browser
  readonly sid: string
  readonly refreshToken: string
}

export interface SessionsSite extends ProviderSite {
  readonly sessions: SessionAdministration
  newRealm(name: string, settings?: RealmSettingsInput): Promise<SiteRealm>
  with(userAgent: string): Promise<Browser>
  /** Signs in at the app, in a browser of its own unless told. */
  enter(
    realm: SiteRealm,
    as?: { readonly subject?: string; readonly userAgent?: string; readonly browser?: Browser },
    parameters?: Readonly<Record<string, string>>,
  ): Promise<SignedInBrowser>
  /** Whether the browser is still signed in: nobody had to sign in there again. */
  isSignedIn(realm: SiteRealm, browser: Browser): Promise<boolean>
  /** Whether the token still gets others. */
  refreshes(realm: SiteRealm, refreshToken: string): Promise<boolean>
  /** What was published and committed of a realm: `session <sid>`, `subject alice`. */
  revoked(tenant: TenantId): Promise<readonly string[]>
  /** What the browser's session cookie holds. */
  cookieOf(browser: Browser): string
  /** The session as the provider keeps it. */
  payloadOf(tenant: TenantId, cookie: string): Promise<AdapterPayload>
}

/** Identity whose revocations go into schema `revocation`, in the same database. */
export async function startSessionsSite(
  changes: Partial<IdentityOptions> = {},
): Promise<SessionsSite> {
  const site = await startProviderSite({ publisher: new PostgresRevocations(), ...changes })
  const withAgent: SessionsSite['with'] = async (userAgent) => {
    const transport = await site.transport()
    return new Browser((url, init = {}) => {
      const headers = new Headers(init.headers)
      headers.set('user-agent', userAgent)
      return transport(url, { ...init, headers })
    })
  }
  return Object.assign(site, {
    sessions: site.identity.parts.sessionAdministration,
    with: withAgent,
    async newRealm(name: string, settings: RealmSettingsInput = {}) {
      const { tenant, secret } = await site.realm(name, settings)
      return { tenant, app: await site.app(tenant, secret) }
    },
    async enter(
      { app }: SiteRealm,
      as: Parameters<SessionsSite['enter']>[1] = {},
      parameters: Readonly<Record<string, string>> = {},
    ) {
      const { subject = 'alice', userAgent = FIREFOX } = as
      const browser = as.browser ?? (await withAgent(userAgent))
      site.signsIn.subject = subject
      const tokens = await site.signIn(app, browser, {
        scope: 'openid offline_access read',
        prompt: 'consent',
        ...parameters,
      })
      const sid = String(decodeJwt(tokens.access_token)['sid'])
      return { browser, sid, refreshToken: String(tokens.refresh_token) }
    },
    async isSignedIn({ app }: SiteRealm, browser: Browser) {
      const { url } = await site.authorize(app, browser, { prompt: 'none' })
      const error = url.searchParams.get('error')
      if (error !== null && error !== 'login_required') throw new Error(`unexpected: ${error}`)
      return error === null
    },
    async refreshes({ app }: SiteRealm, refreshToken: string) {
      try {
        await client.refreshTokenGrant(app, refreshToken)
        return true
      } catch (error) {
        if (error instanceof client.ResponseBodyError && error.error === 'invalid_grant') {
          return false
        }
        throw error
      }
    },
    async revoked(tenant: TenantId) {
      const { rows } = await site.admin.query<{ kind: string; id: string | null }>(
        'select kind, id from revocation.entry where tenant = $1 order by seq',
        [tenant],
      )
      return rows.map(({ kind, id }) => (id === null ? kind : `${kind} ${id}`))
    },
    cookieOf(browser: Browser) {
      const value = browser.cookies.find(({ name }) => name === COOKIE)?.value
      if (value === undefined) throw new Error('there is no session cookie')
      return value
    },
    async payloadOf(tenant: TenantId, cookie: string) {
      const id = { tenant, model: 'Session', id: cookie }
      const payload = await site.identity.parts.sessions.find(id)
      if (payload === undefined) throw new Error('there is no such session')
      return payload
    },
  })
}
