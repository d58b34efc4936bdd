import type { ClientId, Subject } from '../core/names.ts'
import type { TenantId } from '../core/tenant.ts'
import type { PublicJwk } from '../tokens/signing-key.ts'
import type { Principal } from './realm-store.ts'
import type { Issued } from './token-endpoint.ts'

/** What an administrator may do to realms, here or over the administration API. */
export interface RealmAdministration {
  /** The realm, made at the first call. From this call on the next key's lead runs. */
  ensure(
    tenant: TenantId,
    displayName: string,
  ): Promise<{ readonly issuer: string; readonly keys: readonly PublicJwk[] }>
  /** The realm's issuer and keys, or undefined where there is none. The next key's lead runs, too. */
  find(
    tenant: TenantId,
  ): Promise<{ readonly issuer: string; readonly keys: readonly PublicJwk[] } | undefined>
  /** Issues no tokens while it is closed. @throws `not_found` */
  setOpen(tenant: TenantId, open: boolean): Promise<void>
  /** Users, clients and keys are gone. */
  remove(tenant: TenantId): Promise<void>
  /** Publishes the next key; `compromised` puts a new one in place of all. @throws `not_found`, `conflict` */
  rotateKeys(tenant: TenantId, compromised?: boolean): Promise<void>
  /** @throws `not_found`, `conflict` when a client has the name */
  putUser(tenant: TenantId, subject: Subject, may: Principal): Promise<void>
  removeUser(tenant: TenantId, subject: Subject): Promise<void>
  /** Returns the secret of a client without keys, this once. @throws `not_found`, `conflict` */
  putClient(
    tenant: TenantId,
    client: ClientId,
    may: Principal,
    keys?: readonly PublicJwk[],
  ): Promise<string | undefined>
  removeClient(tenant: TenantId, client: ClientId): Promise<void>
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
