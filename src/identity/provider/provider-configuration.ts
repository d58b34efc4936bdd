import { randomBytes } from 'node:crypto'
import { type Configuration, errors } from 'oidc-provider'
import { RingfenceError } from '../../core/errors.ts'
import { parseSubject } from '../../core/names.ts'
import { CLOCK_TOLERANCE_SECONDS } from '../../tokens/verify-token.ts'
import { artifactAdapter } from './provider-adapter.ts'
import { clientAdapter } from './client-adapter.ts'
import { existingGrant } from './existing-grant.ts'
import { idClaims } from './id-claims.ts'
import { ACR, signInPolicy } from './interaction-policy.ts'
import { accessPayload, accessToIssue } from './issue-access-token.ts'
import { lifetimes } from './lifetimes.ts'
import type { LoadedRealm } from './loaded-realm.ts'
import { providerCookies } from './provider-cookies.ts'
import type { ProviderTools } from './provider-tools.ts'
import { newSecret } from './realm-clients.ts'
import { INTERACTION_PATH, type RealmContext } from './realm-context.ts'
import { CLIENT_AUTH_METHODS } from './realm-settings.ts'
import { registrationPolicy, REGISTRATION_POLICY } from './registration-policy.ts'
import { requestFacts } from './request-facts.ts'
import { resourceServer } from './resource-server.ts'
import { shownPages } from './shown-pages.ts'
import { userinfoClaim, USERINFO_PATH } from './userinfo.ts'
import { accessTokenAdapter } from './structured-tokens.ts'

/** A client's assertion of who it is lives this long at most. */
const ASSERTION_SECONDS_MAX = 300
/** Two names of one algorithm (RFC 9864): clients use the one or the other. */
const CLIENT_ALGORITHMS = ['ES256', 'EdDSA', 'Ed25519'] as const
/** Those of whose proofs the gateway takes, too. */
const PROOF_ALGORITHMS = ['ES256', 'EdDSA'] as const

/** How a realm's provider is set up: strict where the library leaves a choice. */
export function providerConfiguration(
  realm: LoadedRealm,
  tools: ProviderTools,
  contextOf: () => RealmContext,
): Configuration {
  const { tenant, issuer, settings } = realm
  const { audience, authorities } = tools
  const shown = shownPages(tools.pages, contextOf)
  const signer = signerOf(realm)
  return {
    adapter: (model: string) => {
      if (model === 'Client') {
        return clientAdapter({ tenant, issuer, settings, clients: tools.clients })
      }
      const plain = artifactAdapter(tenant, model, tools)
      return model === 'AccessToken' ? accessTokenAdapter(tenant, issuer, plain, tools) : plain
    },
    jwks: {
      // What is only there to verify with must not be chosen to sign.
      keys: realm.keys.map(({ privateJwk, signs }) =>
        signs ? privateJwk : { ...privateJwk, key_ops: ['verify'] },
      ),
    },
    cookies: providerCookies(realm),
    scopes: ['openid', 'offline_access', 'profile', 'email'],
    claims: idClaims.byScope,
    acrValues: [...ACR],
    responseTypes: ['code'],
    subjectTypes: ['public'],
    clientAuthMethods: [...CLIENT_AUTH_METHODS],
    clientDefaults: {
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
      id_token_signed_response_alg: settings.algorithms[0] ?? 'ES256',
    },
    enabledJWA: {
      clientAuthSigningAlgValues: [...CLIENT_ALGORITHMS],
      dPoPSigningAlgValues: [...PROOF_ALGORITHMS],
      idTokenSigningAlgValues: ['ES256', 'EdDSA', 'RS256'],
    },
    pkce: { required: () => true },
    allowOmittingSingleRegisteredRedirectUri: false,
    conformIdTokenClaims: false,
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    ttl: lifetimes(settings),
    rotateRefreshToken: true,
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    expiresWithSession: async (_ctx, source) => !source.scopes.has('offline_access'),
    revokeGrantPolicy: ({ oidc }) =>
      !(oidc.route === 'revocation' && oidc.entities.AccessToken !== undefined),
    loadExistingGrant: (ctx) => existingGrant(ctx, settings),
    findAccount: async (ctx, sub) => {
      const subject = parseSubject(sub)
      const authority = await authorities.user(tenant, subject)
      if (authority === undefined) return undefined
      requestFacts(ctx).authority = authority
      return {
        accountId: sub,
        claims: (_use, scope) => idClaims.of(tenant, subject, scope, authorities),
      }
    },
    formats: {
      customizers: {
        jwt: async (ctx, token, jwt) => {
          const access = await accessToIssue(tenant, token, ctx, tools)
          const payload = accessPayload(access, token, issuer, jwt.payload)
          jwt.payload = { ...payload, ...userinfoClaim(ctx) }
        },
      },
    },
    interactions: {
      policy: signInPolicy(settings),
      url: (_ctx, interaction) => `${issuer}${INTERACTION_PATH}/${interaction.uid}`,
    },
    clientBasedCORS: (ctx, origin, client) =>
      requestFacts(ctx).clients.get(client.clientId)?.origins.includes(origin) === true,
    assertJwtClientAuthClaimsAndHeader: async (_ctx, { aud, exp }) => {
      const last = Date.now() / 1000 + ASSERTION_SECONDS_MAX + CLOCK_TOLERANCE_SECONDS
      if (typeof aud === 'string' && typeof exp === 'number' && exp <= last) return
      throw new errors.InvalidClientAuth('for several audiences, or for too long')
    },
    routes: { userinfo: USERINFO_PATH },
    renderError: shown.refused,
    fetch: tools.outbound,
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: true },
      clientCredentials: { enabled: true },
      deviceFlow: shown.deviceFlow,
      dPoP: { enabled: true },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: shown.rpInitiatedLogout,
      introspection: {
        enabled: true,
        allowedPolicy: async (_ctx, client, token) =>
          token.clientId === client.clientId ||
          (token.kind !== 'RefreshToken' && client.clientAuthMethod !== 'none'),
      },
      revocation: {
        enabled: true,
        // Silently: whether somebody else has such a token is not for this client to know.
        allowedPolicy: async (_ctx, client, token) => token.clientId === client.clientId,
      },
      registration: {
        enabled: settings.registration.enabled,
        initialAccessToken: true,
        idFactory: () => `dyn-${randomBytes(12).toString('hex')}`,
        secretFactory: async () => newSecret(),
        policies: { [REGISTRATION_POLICY]: registrationPolicy(settings) },
      },
      registrationManagement: {
        enabled: settings.registration.enabled,
        rotateRegistrationAccessToken: true,
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: async (_ctx, _client, oneOf) => oneOf ?? audience,
        useGrantedResource: async () => true,
        getResourceServerInfo: (ctx, resource, client) =>
          resourceServer(ctx, resource, client, {
            tenant,
            authorities,
            audience,
            hosts: tools.hosts,
            signer,
            seconds: settings.accessTokenSeconds,
          }),
      },
    },
  }
}

/** The key of the first algorithm in the settings that the platform verifies access tokens by. */
function signerOf({ tenant, keys, settings }: LoadedRealm) {
  for (const alg of settings.algorithms) {
    if (alg === 'RS256') continue
    const key = keys.find((key) => key.alg === alg && key.signs)
    if (key !== undefined) return { alg, kid: key.kid }
  }
  throw new RingfenceError('internal', 'the realm has no key to sign with', { detail: tenant })
}
