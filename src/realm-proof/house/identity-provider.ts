import { createHash, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { listenWith } from '../../http/listen.ts'
import { seconds } from '../../strikes/forge.ts'
import { SigningKey } from '../../tokens/signing-key.ts'

type Claims = Readonly<Record<string, unknown>>

/** What somebody has done at the provider, for a client of it. */
interface Given {
  readonly claims: Claims
  readonly client: string
  readonly nonce: string
}

/** An identity provider that several tenants use, each as a client of its own. */
export class IdentityProvider {
  readonly issuer: string
  readonly #key: SigningKey
  readonly #given = new Map<string, Given>()
  readonly #close: () => Promise<void>

  private constructor(issuer: string, key: SigningKey, close: () => Promise<void>) {
    this.issuer = issuer
    this.#key = key
    this.#close = close
  }

  static async open(): Promise<IdentityProvider> {
    const key = await SigningKey.create('ES256')
    const late: { provider?: IdentityProvider } = {}
    const server = createServer((request, response) => {
      void late.provider?.serve(request, response)
    })
    const listening = await listenWith(server, { host: '127.0.0.1', port: 0 })
    late.provider = new IdentityProvider(listening.url.replace(/\/$/, ''), key, () =>
      listening.close(),
    )
    return late.provider
  }

  /**
   * Somebody signs in there, by an address to which a realm has sent a browser.
   * @returns the address to which the provider sends the browser back
   */
  signIn(
    location: string,
    claims: Claims,
    client?: { readonly id: string; readonly redirect: string },
  ): string {
    const query = new URL(location).searchParams
    const code = createHash('sha256').update(randomUUID()).digest('base64url')
    this.#given.set(code, {
      claims,
      client: client?.id ?? query.get('client_id') ?? '',
      nonce: query.get('nonce') ?? '',
    })
    const back = new URL(client?.redirect ?? query.get('redirect_uri') ?? '')
    back.search = new URLSearchParams({
      code,
      state: query.get('state') ?? '',
      iss: this.issuer,
    }).toString()
    return back.href
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await this.#answer(request)
    response.writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body ?? {}))
  }

  async #answer(request: IncomingMessage): Promise<object | undefined> {
    const { issuer } = this
    if (request.url === '/.well-known/openid-configuration') {
      return {
        issuer,
        authorization_endpoint: `${issuer}/auth`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
        authorization_response_iss_parameter_supported: true,
      }
    }
    if (request.url === '/jwks') return { keys: [this.#key.publicJwk] }
    return request.url === '/token' ? this.#tokens(request) : undefined
  }

  async #tokens(request: IncomingMessage): Promise<object | undefined> {
    const chunks: Buffer[] = []
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    const code = new URLSearchParams(Buffer.concat(chunks).toString()).get('code') ?? ''
    const given = this.#given.get(code)
    if (given === undefined) return undefined
    const { claims, client, nonce } = given
    const iat = seconds()
    const token = { iss: this.issuer, aud: client, nonce, iat, exp: iat + 60, ...claims }
    return {
      access_token: 'of-nobody',
      token_type: 'Bearer',
      id_token: await this.#key.sign('JWT', token),
    }
  }

  close(): Promise<void> {
    return this.#close()
  }
}
