import type { Boundary } from '../boundaries/boundary.ts'
import type { CellName, TenantId } from '../core/tenant.ts'
import type { PublicJwk } from '../tokens/signing-key.ts'

/** What the control plane needs of the other planes. Each may be down: callers retry. */
export interface Ports {
  readonly cells: Cells
  readonly realms: Realms
}

/** The boundaries of a cell: one for each engine in it. */
export interface Cells {
  /** @throws RingfenceError `engine_unavailable` when the cell is not known or does not answer */
  boundaries(cell: CellName): Promise<readonly Boundary[]>
}

/** The identity plane, as an administrator of realms. Every call is idempotent. */
export interface Realms {
  /** The tenant's realm, made at the first call, with its issuer and the keys that verify its tokens. */
  ensure(tenant: TenantId, displayName: string): Promise<Realm>
  /** Issues no tokens while it is closed. */
  setOpen(tenant: TenantId, open: boolean): Promise<void>
  /** Users, clients and keys are gone. */
  remove(tenant: TenantId): Promise<void>
}

export interface Realm {
  readonly issuer: string
  readonly keys: readonly PublicJwk[]
}
