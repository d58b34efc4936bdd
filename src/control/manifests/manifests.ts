import type { SetName } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { Difference } from '../../manifests/diff.ts'
import type { ManifestKind } from '../../manifests/kinds.ts'
import type { Manifest, Reference } from '../../manifests/manifest.ts'
import type { Actor, Page, PageRequest } from '../control-plane.ts'

/** Something that is declared, as it is in force. */
export interface ObjectView {
  readonly manifest: Manifest
  /** Grows with each change, and is never given twice. 0: it was never applied, it is registered. */
  readonly generation: number
  /** Of the spec as it is now. */
  readonly hash: string
  /** What it is applied and pruned together with. */
  readonly set: SetName | undefined
  readonly createdAt: Date
  readonly changedAt: Date
  readonly by: string | undefined
  readonly why: string | undefined
}

/** One generation of something, without what it said. */
export interface GenerationView {
  readonly generation: number
  readonly act: 'created' | 'configured' | 'removed'
  readonly hash: string
  readonly set: SetName | undefined
  readonly at: Date
  readonly by: string
  readonly why: string
}

/** What must be there already, when something is changed under a condition. */
export type Expected = 'absent' | 'present' | { readonly generation: number; readonly hash: string }

export interface ApplyRequest {
  readonly manifests: readonly Manifest[]
  readonly remove?: readonly Reference[]
  /** They belong together from now on. */
  readonly set?: SetName
  /** What is of the set, and not among `manifests`, goes. */
  readonly prune?: boolean
  /** Says what would be, and changes nothing. */
  readonly dryRun?: boolean
  readonly why?: string
  /** Of the one thing that is changed. */
  readonly expected?: Expected
}

export type ChangeKind = 'created' | 'configured' | 'unchanged' | 'removed' | 'kept'

/** What becomes, or became, of one thing. `kept`: it is pruned by nobody, as tenants and plans are. */
export interface ObjectChange {
  readonly reference: Reference
  readonly change: ChangeKind
  /** As it is after the change; the last one, of what was removed. */
  readonly generation: number
  readonly diff: readonly Difference[]
  /** The onboarding that began with it. */
  readonly workflow: string | undefined
}

export interface Applied {
  readonly dryRun: boolean
  /** Of the configuration that is in force with it; the present one when nothing of it changed. */
  readonly version: number
  readonly changes: readonly ObjectChange[]
}

/** Where what is in force is something else than what was declared. */
export interface DriftEntry {
  /** Undefined: the platform itself. */
  readonly tenant: TenantId | undefined
  readonly diff: readonly Difference[]
}

export interface Drift {
  /** Of the chain's newest record. */
  readonly version: number
  /** Why the chain itself is not to be believed; undefined when it is. */
  readonly refusal: string | undefined
  readonly entries: readonly DriftEntry[]
}

/**
 * What is declared of the front door. Whoever acts for one tenant reaches what is that tenant's own,
 * and the platform's guardrails to read; the rest is not there for it.
 */
export interface Manifests {
  list(
    filter: {
      readonly kind?: ManifestKind
      readonly tenant?: TenantId
      readonly set?: SetName
    },
    page: PageRequest,
    by: Actor,
  ): Promise<Page<ObjectView>>
  /** @throws `not_found` */
  get(reference: Reference, by: Actor): Promise<ObjectView>
  /** As it was in an earlier generation. @throws `not_found`, also for one that was a removal */
  generation(reference: Reference, generation: number, by: Actor): Promise<ObjectView>
  /** Newest first, also of what is gone. */
  history(reference: Reference, page: PageRequest, by: Actor): Promise<Page<GenerationView>>
  /**
   * Makes everything as it is described, or nothing.
   * @throws InvalidManifests with all that is wrong; `not_found`, `forbidden`, `conflict`,
   *   `precondition_failed`; ApprovalRequired for a plan that would not ask any more
   */
  apply(request: ApplyRequest, by: Actor): Promise<Applied>
  /** Compares the signed chain that gateways follow with what was declared and registered. */
  drift(by: Actor): Promise<Drift>
}
