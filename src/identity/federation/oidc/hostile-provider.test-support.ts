import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, generateKeyPair, type JWTHeaderParameters, SignJWT } from 'jose'

/** What a token request brought. */
export interface TokenRequest {
  readonly form: URLSearchParams
  readonly authorization: string | undefined
}

/** A provider that answers exactly what a test wants, right or wrong. */
export interface HostileProvider {
  readonly issuer: string
  readonly privateKey: CryptoKey
  readonly publicKey: CryptoKey
  readonly tokenRequests: TokenRequest[]
  /** Changes to the discovery document. */
  discovery: Readonly<Record<string, unknown>>
  /** What the token endpoint gives as `id_token`. */
  idToken: (request: TokenRequest) => Promise<string> | string
  userInfo: Readonly<Record<string, unknown>>
  sign(
    claims: Readonly<Record<string, unknown>>,
    header?: Partial<JWTHeaderParameters>,
  ): Promise<string>
  stop(): Promise<void>
}

export async function startHostileProvider(): Promise<HostileProvider> {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' }
  const server = createServer((request, response) => {
    const json = (body: unknown, status = 200) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(JSON.stringify(body))
    }
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const path = request.url ?? ''
      if (path === '/.well-known/openid-configuration') return json(discoveryOf(provider))
      if (path === '/jwks') return json({ keys: [jwk] })
      if (path === '/userinfo') return json(provider.userInfo)
      if (path !== '/token') return json({}, 404)
      const asked = {
        form: new URLSearchParams(Buffer.concat(chunks).toString()),
        authorization: request.headers.authorization,
      }
      provider.tokenRequests.push(asked)
      return void Promise.resolve(provider.idToken(asked)).then((idToken) =>
        json({ access_token: 'at', token_type: 'Bearer', id_token: idToken }),
      )
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const provider: HostileProvider = {
    issuer,
    privateKey,
    publicKey,
    tokenRequests: [],
    discovery: {},
    idToken: () => '',
    userInfo: {},
    sign: (claims, header) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: 'RS256', kid: 'k1', ...header })
        .sign(privateKey),
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return provider
}

function discoveryOf({ issuer, discovery }: HostileProvider) {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    userinfo_endpoint: `${issuer}/userinfo`,
    id_token_signing_alg_values_supported: ['RS256', 'HS256', 'none'],
    ...discovery,
  }
}
