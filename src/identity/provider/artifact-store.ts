import type { AdapterPayload } from 'oidc-provider'
import type { Subject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { Rows } from '../identity-database.ts'

/** Which artifact of which realm. `id` is what a browser or a client shows to have it. */
export interface ArtifactKey {
  readonly tenant: TenantId
  /** The provider's name of the kind: `Session`, `Interaction`, `RefreshToken`. */
  readonly model: string
  readonly id: string
}

export interface Artifact {
  /** What the provider wants back. */
  readonly payload: AdapterPayload
  /** Seconds until it is gone; absent: never. */
  readonly seconds: number | undefined
  /** Of a session: the user agent and address of the request that writes it. */
  readonly device?: string | undefined
  readonly address?: string | undefined
  /** Of a session: the connection by which the request has signed somebody in. */
  readonly connection?: string | undefined
}

/** Whose artifacts end. */
export type ArtifactsOf =
  | { readonly kind: 'subject'; readonly subject: Subject }
  | { readonly kind: 'client'; readonly client: string }
  | { readonly kind: 'tenant' }

/**
 * Where sessions and interactions are kept. Nothing of one tenant is found, changed or ended by the
 * key of another. Every method may throw RingfenceError `engine_unavailable`.
 */
export interface ArtifactStore {
  /** Enters it, or replaces what there was under the key. */
  put(key: ArtifactKey, artifact: Artifact): Promise<void>
  /** What is there and not expired. */
  find(key: ArtifactKey): Promise<AdapterPayload | undefined>
  /** A session by `payload.uid`, which stays when its id changes. The payload may lack `jti`. */
  findByUid(tenant: TenantId, model: string, uid: string): Promise<AdapterPayload | undefined>
  /** Not an error when it is not there. */
  remove(key: ArtifactKey): Promise<void>
  /** Ends sessions, in the caller's transaction: also where what is in the store itself is not. */
  end(rows: Rows, tenant: TenantId, of: ArtifactsOf): Promise<void>
}
