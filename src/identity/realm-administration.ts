import type { ClientId, Subject } from '../core/names.ts'
import type { TenantId } from '../core/tenant.ts'
import type { PublicJwk } from '../tokens/signing-key.ts'
import type { ApiKey } from './provider/api-keys.ts'
import type { ClientSpec, RealmClient } from './provider/realm-clients.ts'
import type {
  RealmAlgorithm,
  RealmSettings,
  RealmSettingsInput,
} from './provider/realm-settings.ts'
import type { Principal } from './realm-store.ts'

/** The answer to a token request (RFC 6749, section 5.1). */
export interface Issued {
  readonly access_token: string
  readonly token_type: 'Bearer'
  readonly expires_in: number
  readonly scope: string
}

/** A client, without what is secret of it. */
export type ClientView = Omit<RealmClient, 'secretSha256' | 'registered'> & {
  /** True when it registered itself. */
  readonly registered: boolean
}

/** What an administrator may do to realms, here or over the administration API. */
export interface RealmAdministration {
  /** The realm, made at the first call. From this call on the leads of the next keys run. */
  ensure(
    tenant: TenantId,
    displayName: string,
  ): Promise<{ readonly issuer: string; readonly keys: readonly PublicJwk[] }>
  /** The realm's issuer and keys, or undefined where there is none. The next keys' leads run, too. */
  find(
    tenant: TenantId,
  ): Promise<{ readonly issuer: string; readonly keys: readonly PublicJwk[] } | undefined>
  /** Issues nothing and shows nothing while it is closed; what was issued is revoked. @throws `not_found` */
  setOpen(tenant: TenantId, open: boolean): Promise<void>
  /** Users, clients and keys are gone. */
  remove(tenant: TenantId): Promise<void>
  /**
   * Publishes the next key of each algorithm, or of one; `compromised` puts new ones in place of all.
   * @throws `not_found`, `conflict`
   */
  rotateKeys(tenant: TenantId, compromised?: boolean, algorithm?: RealmAlgorithm): Promise<void>
  /** @throws `not_found` */
  settings(tenant: TenantId): Promise<RealmSettings>
  /**
   * Takes new settings, whole. Another domain is another issuer: the control plane asks for it again.
   * @throws `not_found`, `invalid_argument`; `conflict` when another realm has the domain
   */
  putSettings(tenant: TenantId, settings: RealmSettingsInput): Promise<RealmSettings>
  /** @throws `not_found`, `conflict` when a client has the name */
  putUser(tenant: TenantId, subject: Subject, may: Principal): Promise<void>
  removeUser(tenant: TenantId, subject: Subject): Promise<void>
  /**
   * Enters a client, or replaces what there was and revokes what it was given. Returns its new secret,
   * this once, if its way to authenticate has one. @throws `not_found`, `conflict`, `invalid_argument`
   */
  putClient(
    tenant: TenantId,
    client: ClientId,
    spec: ClientSpec,
    keys?: readonly PublicJwk[],
  ): Promise<string | undefined>
  removeClient(tenant: TenantId, client: ClientId): Promise<void>
  /** By name. */
  clients(tenant: TenantId): Promise<readonly ClientView[]>
  /**
   * With it clients register themselves (RFC 7591), as often as they like until it expires.
   * @throws `not_found`; `conflict` when the realm's settings let nobody register
   */
  createInitialAccessToken(tenant: TenantId, seconds: number): Promise<string>
  /** Returns the secret this once. @throws `not_found`, `invalid_argument`, `conflict` */
  createApiKey(
    tenant: TenantId,
    subject: Subject,
    key: { readonly label: string; readonly scopes: readonly string[]; readonly days: number },
  ): Promise<{ readonly id: string; readonly secret: string }>
  apiKeys(tenant: TenantId, subject: Subject): Promise<readonly ApiKey[]>
  /** @throws `not_found` */
  removeApiKey(tenant: TenantId, subject: Subject, id: string): Promise<void>
  /**
   * A token of a user's, for trying things. @throws `not_found` (also when the realm is closed),
   * `forbidden` for scopes that the user has not
   */
  issueFor(
    tenant: TenantId,
    subject: Subject,
    request?: { readonly scopes?: readonly string[]; readonly seconds?: number },
  ): Promise<Issued>
}
