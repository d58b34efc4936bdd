import type { Credential } from '../core/lease.ts'
import type { CellName, TenantId } from '../core/tenant.ts'
import type { Boundary, Provable } from './boundary.ts'
import type { CostMeter } from './costs.ts'

/** What opening a cell needs, whatever its engine. */
export interface CellOptions {
  readonly name: CellName
  /** Where the cell keeps its files: an embedded server's data, secrets, silos. */
  readonly directory: string
  /** Path of the application's manifest. */
  readonly manifest: string
  /** A server to use instead of an embedded one, with an administrator's rights. */
  readonly url?: string
  /** Has an embedded server record how long it works for whom. Default: it does not. */
  readonly measured?: boolean
  readonly log?: (line: string) => void
}

/** A cell whose engine runs and has the boundary installed. */
export interface OpenCell {
  readonly name: CellName
  readonly boundary: Boundary
  /** What its tenants cost. */
  readonly costs: CostMeter
  /** Facts for reports: the engine's version and the like. No secrets. */
  readonly facts: Readonly<Record<string, string>>
  /** Settles when the engine ends by itself; never for servers that are not ours. */
  readonly exited: Promise<void>
  /** An administrator's way to a tenant's data, and the tenant's key there: for loading data. */
  administer(tenant: TenantId): Promise<{ key: string; admin: Credential }>
  /** Ends connections, then the engine if it is ours. */
  stop(): Promise<void>
}

export interface ProvingOptions {
  readonly manifest: string
  /** A database of the user's: rehearsals run beside it on its server, and it is inspected itself. */
  readonly url?: string
  readonly log?: (line: string) => void
}

/** What a proof runs on when there is no live platform. */
export interface OpenProving {
  readonly provable: Provable
  readonly facts: Readonly<Record<string, string>>
  /** What is proven, for the evidence: the manifest and its digest. */
  readonly subject: { readonly name: string; readonly sha256: string }
  close(): Promise<void>
}
