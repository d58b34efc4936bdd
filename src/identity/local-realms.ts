import { RingfenceError } from '../core/errors.ts'
import type { TenantId } from '../core/tenant.ts'
import { ACCESS_TOKEN_SECONDS, signAccessToken } from '../tokens/access-token.ts'
import type { ApiKeys } from './provider/api-keys.ts'
import type { Authorities } from './provider/authorities.ts'
import type { EndAccess } from './provider/end-access.ts'
import type { RealmClients } from './provider/realm-clients.ts'
import type { RealmProviders } from './provider/realm-providers.ts'
import { REGISTRATION_POLICY } from './provider/registration-policy.ts'
import type { ClientView, RealmAdministration } from './realm-administration.ts'
import type { RealmKeys } from './realm-keys.ts'
import type { RealmRow, RealmStore } from './realm-store.ts'

/** The client through which tokens for trying are issued. */
const TRYING = 'ringfence-cli'
const REGISTRATION_SECONDS_MAX = 30 * 86_400

export interface LocalRealmsOptions {
  readonly store: RealmStore
  readonly keys: RealmKeys
  readonly clients: RealmClients
  readonly apiKeys: ApiKeys
  readonly authorities: Authorities
  readonly endAccess: EndAccess
  readonly providers: RealmProviders
  /** The audience of access tokens: the platform's API. */
  readonly audience: string
}

/** Realms administered in this process. */
export function localRealms(options: LocalRealmsOptions): RealmAdministration {
  const { store, keys, clients, apiKeys, authorities, endAccess, providers } = options
  /** Other processes hear of the change; this one does not wait for that. */
  const changing = async <T>(tenant: TenantId, work: Promise<T>): Promise<T> => {
    try {
      return await work
    } finally {
      providers.forget(tenant)
    }
  }
  const realm = async (tenant: TenantId): Promise<RealmRow> => {
    const row = await store.find(tenant)
    if (row === undefined) throw new RingfenceError('not_found', 'there is no such realm')
    return row
  }
  const handedOver = async (tenant: TenantId) => {
    const { issuer } = await realm(tenant)
    return { issuer, keys: await changing(tenant, keys.handOver(tenant)) }
  }
  return {
    async ensure(tenant, displayName) {
      await changing(tenant, store.ensure(tenant, displayName))
      return handedOver(tenant)
    },
    async find(tenant) {
      return (await store.find(tenant)) === undefined ? undefined : handedOver(tenant)
    },
    setOpen: (tenant, open) => changing(tenant, store.setOpen(tenant, open)),
    remove: (tenant) => changing(tenant, store.remove(tenant)),
    rotateKeys: (tenant, compromised = false, algorithm) =>
      changing(
        tenant,
        compromised
          ? keys.replaceAll(tenant, (rows) => endAccess.ofTenant(rows, tenant))
          : keys.rotate(tenant, algorithm),
      ),
    settings: async (tenant) => (await realm(tenant)).settings,
    putSettings: (tenant, settings) => changing(tenant, store.putSettings(tenant, settings)),
    putUser: (tenant, subject, may) => store.putUser(tenant, subject, may),
    removeUser: (tenant, subject) => store.removeUser(tenant, subject),
    putClient: (tenant, client, spec, publicKeys) => clients.put(tenant, client, spec, publicKeys),
    removeClient: (tenant, client) => clients.remove(tenant, client),
    async clients(tenant) {
      await realm(tenant)
      return (await clients.list(tenant)).map(
        ({ secretSha256: _hash, registered, ...rest }): ClientView => ({
          ...rest,
          registered: registered !== undefined,
        }),
      )
    },
    async createInitialAccessToken(tenant, seconds) {
      const found = await providers.get(tenant)
      if (found === undefined) throw new RingfenceError('not_found', 'there is no such open realm')
      const { provider, settings } = found.context
      if (!settings.registration.enabled) {
        throw new RingfenceError('conflict', 'the realm’s settings let no client register itself')
      }
      if (!Number.isInteger(seconds) || seconds < 1 || seconds > REGISTRATION_SECONDS_MAX) {
        throw new RingfenceError('invalid_argument', 'it lives for a second to 30 days')
      }
      const policies = [REGISTRATION_POLICY]
      return new provider.InitialAccessToken({ expiresIn: seconds, policies }).save()
    },
    createApiKey: (tenant, subject, key) => apiKeys.create(tenant, subject, key),
    apiKeys: (tenant, subject) => apiKeys.list(tenant, subject),
    removeApiKey: (tenant, subject, id) => apiKeys.remove(tenant, subject, id),
    async issueFor(tenant, subject, { scopes, seconds = ACCESS_TOKEN_SECONDS } = {}) {
      const authority = await authorities.user(tenant, subject)
      const row = await store.find(tenant)
      if (authority === undefined || row?.open !== true) {
        throw new RingfenceError('not_found', 'there is no such user in an open realm')
      }
      const asked = scopes ?? authority.scopes
      if (asked.some((scope) => !authority.scopes.includes(scope))) {
        throw new RingfenceError('forbidden', 'the user does not have this scope')
      }
      const { roles, placedRoles } = authority
      const access = { tenant, subject, client: TRYING, scopes: asked, roles, placedRoles }
      const { issuer } = row
      const key = await keys.signing(tenant)
      return {
        access_token: await signAccessToken(
          key,
          { issuer, audience: options.audience },
          access,
          seconds,
        ),
        token_type: 'Bearer',
        expires_in: seconds,
        scope: asked.join(' '),
      }
    },
  }
}
