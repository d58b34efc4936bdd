import { LRUCache } from 'lru-cache'
import * as client from 'openid-client'
import { z } from 'zod'
import { messageOf, RingfenceError } from '../../../core/errors.ts'
import { SigningKey } from '../../../tokens/signing-key.ts'
import type { UsableConnection } from '../connection/connection.ts'
import type { GuardedFetch, OutboundRequest } from '../outbound/guarded-fetch.ts'
import { demand, FederationRefusal } from '../refusal.ts'

const FRESH_MS = 3_600_000
const KNOWN_MAX = 1_000

export type UsableOidcConnection = Extract<UsableConnection, { kind: 'oidc' }>

/** OpenID Connect Discovery, section 3, and RFC 8414: what of it is used. */
const metadataSchema = z.object({
  issuer: z.string(),
  authorization_endpoint: z.string(),
  token_endpoint: z.string(),
  jwks_uri: z.string(),
  userinfo_endpoint: z.string().optional(),
  authorization_response_iss_parameter_supported: z.boolean().optional(),
})

/** What a provider says of itself, checked and held to what the connection allows. */
export class OidcProviderSource {
  readonly #fetch: GuardedFetch
  readonly #known = new LRUCache<string, Promise<client.Configuration>>({
    max: KNOWN_MAX,
    ttl: FRESH_MS,
  })

  constructor(fetch: GuardedFetch) {
    this.#fetch = fetch
  }

  /** @throws FederationRefusal `provider_unreachable`, `wrong_issuer` */
  async of(connection: UsableOidcConnection): Promise<client.Configuration> {
    const key = `${connection.tenant}\n${connection.id}\n${connection.version}`
    const known = this.#known.get(key) ?? this.#discover(connection)
    this.#known.set(key, known, this.#known.has(key) ? { noUpdateTTL: true } : {})
    // Nothing that failed is remembered.
    return known.catch((error: unknown) => {
      this.#known.delete(key)
      throw error
    })
  }

  async #discover(connection: UsableOidcConnection): Promise<client.Configuration> {
    const { issuer, clientId, algorithms, requireIss } = connection.config
    const found = await this.#metadata(issuer)
    // Character by character: an issuer that is nearly this one is another.
    demand(found.issuer === issuer, 'wrong_issuer', 'the provider calls itself something else')
    const configuration = new client.Configuration(
      {
        issuer,
        authorization_endpoint: this.#checked(found.authorization_endpoint),
        token_endpoint: this.#checked(found.token_endpoint),
        jwks_uri: this.#checked(found.jwks_uri),
        ...(found.userinfo_endpoint === undefined
          ? {}
          : { userinfo_endpoint: this.#checked(found.userinfo_endpoint) }),
        authorization_response_iss_parameter_supported:
          requireIss || found.authorization_response_iss_parameter_supported === true,
        // Ours, not the provider's: nothing that it announces adds an algorithm.
        id_token_signing_alg_values_supported: [...algorithms],
      },
      clientId,
      { [client.clockTolerance]: 30 },
      await clientAuthentication(connection),
    )
    configuration[client.customFetch] = (url, request) => this.#fetch(url, outbound(request))
    client.allowInsecureRequests(configuration)
    // The ID token's signature is verified although it came over TLS from the issuer itself.
    client.enableNonRepudiationChecks(configuration)
    return configuration
  }

  async #metadata(issuer: string): Promise<z.output<typeof metadataSchema>> {
    try {
      const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
      const response = await this.#fetch(url, { headers: { accept: 'application/json' } })
      if (response.status !== 200) throw new TypeError(`status ${response.status}`)
      return metadataSchema.parse(await response.json())
    } catch (error) {
      throw new FederationRefusal('provider_unreachable', messageOf(error), error)
    }
  }

  #checked(url: string): string {
    try {
      return this.#fetch.check(url).href
    } catch (error) {
      throw new FederationRefusal('provider_unreachable', messageOf(error), error)
    }
  }
}

async function clientAuthentication(connection: UsableOidcConnection): Promise<client.ClientAuth> {
  const { secrets, config } = connection
  if (secrets.kind !== 'oidc') {
    throw new RingfenceError('internal', 'a connection has secrets of another kind')
  }
  if (config.clientAuth === 'private_key_jwt') {
    if (secrets.clientKey === undefined) throw new RingfenceError('internal', 'a key is missing')
    const { publicJwk } = await SigningKey.fromJwk(secrets.clientKey)
    const key = await crypto.subtle.importKey(
      'jwk',
      secrets.clientKey,
      { name: 'ECDSA', namedCurve: 'P-256' },
      false,
      ['sign'],
    )
    return client.PrivateKeyJwt({ key, kid: publicJwk.kid })
  }
  return config.clientAuth === 'client_secret_post'
    ? client.ClientSecretPost(secrets.clientSecret)
    : client.ClientSecretBasic(secrets.clientSecret)
}

/** Requests of the library as our own fetch takes them. It follows no redirect in any case. */
function outbound(request: client.CustomFetchOptions): OutboundRequest {
  const { body, headers, method, signal } = request
  if (
    body !== undefined &&
    body !== null &&
    !(body instanceof URLSearchParams) &&
    typeof body !== 'string'
  ) {
    throw new TypeError('a body that is neither a form nor text')
  }
  return {
    method,
    headers,
    ...(body === undefined || body === null ? {} : { body: String(body) }),
    ...(signal === undefined ? {} : { signal }),
  }
}
