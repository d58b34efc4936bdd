import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { parseClientId } from '../../core/names.ts'
import { listenWith } from '../../http/listen.ts'
import type { TenantId } from '../../core/tenant.ts'
import { authorizeUrl, type Duel, typePassword } from '../duel.ts'
import type { Browser } from './browser.ts'
import type { Party } from './party.ts'

const TOLD = parseClientId('told')
const LOGOUT = 'http://schemas.openid.net/event/backchannel-logout'

/** An application of several realms that wants to be told when its users are signed out. */
export class ToldApplication {
  /** Logout tokens, in the order in which they came, of whichever realm. */
  readonly tokens: string[] = []
  #arrived: () => void = () => {}
  readonly #duel: Duel

  private constructor(duel: Duel) {
    this.#duel = duel
  }

  static async open(duel: Duel, parties: readonly Party[]): Promise<ToldApplication> {
    const application = new ToldApplication(duel)
    const server = createServer((request, response) => {
      void text(request).then((body) => {
        response.writeHead(200).end()
        application.#take(String(new URLSearchParams(body).get('logout_token')))
      })
    })
    const listening = await listenWith(server, { host: '127.0.0.1', port: 0 })
    duel.afterwards(() => listening.close())
    const { realms } = duel.plane.identity
    for (const { tenant, callback } of parties) {
      await realms.putClient(tenant, TOLD, {
        roles: [],
        scopes: ['read'],
        grantTypes: ['authorization_code'],
        redirectUris: [callback],
        backchannelLogoutUri: `${listening.url}/logout`,
        firstParty: true,
      })
      duel.afterwards(() => realms.removeClient(tenant, TOLD))
    }
    return application
  }

  #take(token: string): void {
    this.tokens.push(token)
    this.#arrived()
  }

  /** The realm's user signs in at it. */
  async signIn(browser: Browser, party: Party): Promise<boolean> {
    const first = await browser.get(authorizeUrl(party, { client_id: TOLD, scope: 'openid read' }))
    const page = first.forms.length === 0 ? first : await typePassword(browser, first)
    return page.url.includes('code=')
  }

  /** The token by which it is told, when something has ended a session. */
  async told(end: () => Promise<unknown>): Promise<string> {
    const arrived = new Promise<void>((resolve) => {
      this.#arrived = resolve
    })
    await end()
    await arrived
    return this.tokens.at(-1) ?? ''
  }

  /** Whether it takes a logout token for one of this realm (OpenID Connect Back-Channel Logout, 2.6). */
  async takes(token: string, { issuer }: Party): Promise<boolean> {
    const { body } = await this.#duel.plane.ask(this.#duel.own, 'GET', `${issuer}/jwks`)
    try {
      const keys = createLocalJWKSet(JSON.parse(body) as JSONWebKeySet)
      const { payload } = await jwtVerify(token, keys, {
        issuer,
        audience: TOLD,
        typ: 'logout+jwt',
        requiredClaims: ['iat', 'jti', 'sid'],
      })
      const events = JSON.stringify(payload['events'])
      return payload['nonce'] === undefined && events === JSON.stringify({ [LOGOUT]: {} })
    } catch {
      return false
    }
  }
}

/** The session in which the user of a realm has signed in last. */
export async function lastSession(duel: Duel, tenant: TenantId): Promise<SessionNames> {
  const [row] = await duel.plane.identity.parts.database.query<SessionNames>(
    `select s.id, c.sid from identity.session s
     join identity.session_client c on c.tenant = s.tenant and c.session = s.id and c.client = $2
     where s.tenant = $1 and s.ended_at is null order by s.started_at desc limit 1`,
    [tenant, TOLD],
  )
  if (row === undefined) throw new Error('there is no session')
  return row
}

export interface SessionNames {
  readonly id: string
  readonly sid: string
}
