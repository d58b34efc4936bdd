import { Provider, type Adapter, type ClientMetadata, errors } from 'oidc-provider'
import { RingfenceError } from '../../core/errors.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { PublicJwk } from '../../tokens/signing-key.ts'
import { builtInClient } from './built-in-clients.ts'
import { clientMetadata, hashIn } from './client-metadata.ts'
import { type RealmClients, sha256 } from './realm-clients.ts'
import type { ClientAuthMethod, RealmSettings } from './realm-settings.ts'
import { requestFacts } from './request-facts.ts'
import { takeStructuredToken } from './structured-tokens.ts'

export interface ClientAdapterOptions {
  readonly tenant: TenantId
  readonly issuer: string
  readonly settings: RealmSettings
  readonly clients: RealmClients
}

/** The provider's storage of the clients of one realm. */
export function clientAdapter(options: ClientAdapterOptions): Adapter {
  const { tenant, issuer, settings, clients } = options
  return {
    async find(id) {
      const ctx = Provider.ctx
      if (ctx !== undefined) takeStructuredToken(ctx)
      const found = await clients.find(tenant, id)
      if (found === undefined) return builtInClient(id, issuer, tenant)
      if (ctx !== undefined) requestFacts(ctx).clients.set(id, found)
      return clientMetadata(found, settings)
    },
    async upsert(id, payload) {
      // The provider has checked it, and the realm's policy too.
      await clients
        .putRegistered(
          tenant,
          registeredClient(id, payload as ClientMetadata, settings),
          settings.registration.clientsMax,
        )
        .catch((error: unknown) => {
          if (error instanceof RingfenceError && error.code === 'conflict') {
            throw new errors.InvalidRequest(error.message)
          }
          throw error
        })
    },
    destroy: (id) => clients.remove(tenant, id),
    // The rest is of artifacts; the provider asks none of it of clients.
    findByUid: () => Promise.resolve(undefined),
    findByUserCode: () => Promise.resolve(undefined),
    consume: () => Promise.reject(new RingfenceError('internal', 'a client is not used up')),
    revokeByGrantId: () => Promise.resolve(),
  }
}

function registeredClient(client: string, metadata: ClientMetadata, settings: RealmSettings) {
  const { client_secret: secret, ...registered } = metadata
  const method = (metadata.token_endpoint_auth_method ?? 'client_secret_basic') as ClientAuthMethod
  const hasSecret = method.startsWith('client_secret') && secret !== undefined
  return {
    client,
    metadata: registered,
    method,
    secretSha256: hasSecret ? (hashIn(secret) ?? sha256(secret)) : undefined,
    keys:
      method === 'private_key_jwt'
        ? (metadata.jwks?.keys as readonly PublicJwk[] | undefined)
        : undefined,
    scopes: settings.registration.scopes,
    grantTypes: [...(metadata.grant_types ?? [])],
  }
}
