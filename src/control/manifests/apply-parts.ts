import type { UpstreamRule } from '../../contracts/upstream-rule.ts'
import type { PolicyCompiler } from '../../manifests/check-declared.ts'
import type { SigningKey } from '../../tokens/signing-key.ts'
import type { Actor, Tenants } from '../control-plane.ts'
import type { Tx } from '../../database/pooled-database.ts'
import type { PlanWriter } from '../plan-writer.ts'
import type { PlatformPublisher } from '../platform-publisher.ts'
import type { TenantChanges } from '../tenant-changes.ts'
import type { WorkflowRow } from '../workflows/workflow-row.ts'

/** By whom declarations are judged, beside their own form. */
export interface Judges {
  /** Absent: no policy store is taken. */
  readonly policies?: PolicyCompiler
  /** Which addresses tenants' own upstreams may have. Default: the public internet. */
  readonly upstreams?: UpstreamRule
  /** What is wrong with an OpenAPI document, for whoever validates requests by it. */
  readonly openapi?: (text: string) => readonly string[]
}

/** What an application of manifests is made with. */
export interface ApplyParts {
  readonly changes: TenantChanges
  readonly plans: PlanWriter
  readonly publisher: PlatformPublisher
  readonly snapshotKey: SigningKey
  readonly judges: Judges
  /** Enters a tenant with its onboarding, in the caller's transaction. */
  readonly enter: (
    tx: Tx,
    request: Parameters<Tenants['create']>[0],
    by: Actor,
  ) => Promise<WorkflowRow>
}
