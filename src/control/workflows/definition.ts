import type { WorkflowKind } from '../control-plane.ts'
import type { Tx } from '../../database/pooled-database.ts'
import type { Database } from '../database.ts'
import type { ApprovalChannel, Cells, Ports } from '../ports.ts'
import type { Cause, TenantChanges, TenantPatch } from '../tenant-changes.ts'
import type { TenantRow } from '../tenant-row.ts'
import type { RetryPolicy } from './retry.ts'
import type { WorkflowRow } from './workflow-row.ts'

export type LiveBoundary = Awaited<ReturnType<Cells['boundaries']>>[number]

/** A kind of workflow: its steps by name, in the order in which they run. */
export interface Definition {
  readonly kind: WorkflowKind
  readonly steps: Readonly<Record<string, Step>>
  /**
   * Takes back what was done so far, in the planes, and says what to write then. Idempotent. Absent
   * when the kind cannot be called off.
   */
  readonly undo?: (work: Work) => Promise<Apply>
  /** What the workflow gave, made of what its steps left. */
  readonly result?: (outputs: Readonly<Record<string, unknown>>) => unknown
}

/**
 * One step. It may run again after a kill at any instruction, or beside a stalled copy of itself, so
 * what it does in other planes is idempotent; what it writes in the registry goes through `apply`.
 */
export interface Step {
  /** From this step on the workflow goes forward only: it is not called off any more. */
  readonly commits?: boolean
  /** A failure here is taken back by `undo`, after which the tenant is as it was before. */
  readonly undoneOnFailure?: boolean
  /** What it attests has to be fresh: it runs again when a failed workflow goes on behind it. */
  readonly fresh?: boolean
  /** Refuses to begin, with the tenant locked in the transaction that begins the step. */
  readonly allow?: (tenant: TenantRow) => void
  /** What becomes of the tenant when the step fails and is not taken back. */
  readonly failed?: (tenant: TenantRow) => TenantPatch | undefined
  readonly run: (work: Work) => Promise<Outcome>
}

/** Writes to the registry in the transaction that enters the step as done, with the tenant locked. */
export type Apply = (tx: Tx, tenant: TenantRow) => Promise<void>

export type Outcome =
  | {
      /** One line for people. */
      readonly note: string
      /** Kept with the step: `Work.outputs`. JSON. */
      readonly output?: unknown
      readonly apply?: Apply
    }
  | { readonly waitUntil: Date; readonly note: string }
  /** Ends the workflow as cancelled. */
  | { readonly endedBecause: string; readonly apply?: Apply }

/** What a step works with. */
export interface Work extends Services {
  readonly workflow: WorkflowRow
  /** As it was when the step began. */
  readonly tenant: TenantRow
  readonly cause: Cause
  readonly outputs: Readonly<Record<string, unknown>>
  /** The boundaries of the tenant's cell; none while it has none. */
  boundaries(): Promise<readonly LiveBoundary[]>
  /** One line for people who follow the workflow. */
  report(note: string): Promise<void>
  /** Whether it was called off since the step began. */
  calledOff(): Promise<boolean>
}

/** What all workflows share. */
export interface Services {
  readonly database: Database
  readonly ports: Ports
  readonly changes: TenantChanges
  readonly channel: ApprovalChannel | undefined
  /** Exports go below it. */
  readonly exportDirectory: string
  /** Between the end of a tenant's access and the erasure of its data, in seconds. */
  readonly graceSeconds: number
  /** Puts a receipt into a signed DSSE envelope. */
  readonly signReceipt: (payloadType: string, payload: Uint8Array) => Promise<string>
  readonly retry: RetryPolicy
  readonly log: (line: string) => void
}
