import * as client from 'openid-client'
import type { Heard } from '../../strikes/wire.ts'
import type { Duel } from '../duel.ts'
import { APP } from './furnish.ts'
import { AUDIENCE } from './ground.ts'
import type { Party } from './party.ts'
import type { Ask } from './plane.ts'

/** What an application keeps of a sign-in that it has begun. */
export interface Begun {
  readonly url: string
  readonly state: string
  readonly verifier: string
}

/** The application of a realm, made with a library that we did not write. */
export class Application {
  readonly #config: client.Configuration
  readonly #party: Party
  readonly #sent: string[]

  private constructor(config: client.Configuration, party: Party, sent: string[]) {
    this.#config = config
    this.#party = party
    this.#sent = sent
  }

  static async open(duel: Duel, party: Party): Promise<Application> {
    const sent: string[] = []
    const transport = async (url: string, init: RequestInit) => {
      const { href } = new URL(url)
      if (init.method === 'POST') sent.push(href)
      const headers = [...new Headers(init.headers)]
      const ask: Ask = init.body == null ? { headers } : { headers, body: bodyOf(init.body) }
      return responseOf(await duel.plane.ask(duel.own, init.method ?? 'GET', href, ask))
    }
    const config = await client.discovery(
      new URL(party.issuer),
      APP,
      undefined,
      client.ClientSecretBasic(duel.belongings(party).appSecret),
      { [client.customFetch]: (url: string, init: object) => transport(url, init) },
    )
    return new Application(config, party, sent)
  }

  /** Where it has sent codes, and whatever else it posts. */
  get sent(): readonly string[] {
    return this.#sent
  }

  async begin(): Promise<Begun> {
    const verifier = client.randomPKCECodeVerifier()
    const state = client.randomState()
    const url = client.buildAuthorizationUrl(this.#config, {
      redirect_uri: this.#party.callback,
      scope: 'openid read',
      resource: AUDIENCE,
      state,
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    return { url: url.href, state, verifier }
  }

  /** A browser comes back. @returns whether its user is signed in by that */
  async back(callback: string | URL, { state, verifier }: Begun): Promise<boolean> {
    try {
      const tokens = await client.authorizationCodeGrant(this.#config, new URL(callback), {
        expectedState: state,
        pkceCodeVerifier: verifier,
      })
      return tokens.access_token !== ''
    } catch {
      return false
    }
  }
}

function bodyOf(body: RequestInit['body']): string {
  return body instanceof URLSearchParams ? body.toString() : typeof body === 'string' ? body : ''
}

function responseOf({ status, headers, body }: Heard): Response {
  return new Response(body, { status, headers: headers.map(([name, value]) => [name, value]) })
}
