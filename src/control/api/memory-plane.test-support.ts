import type { ControlPlane, RefusedCall } from '../control-plane.ts'
import {
  memoryCatalogue,
  memoryIdempotency,
  memoryJobs,
  memoryOperators,
} from './memory-access.test-support.ts'
import { memoryGrants } from './memory-grants.test-support.ts'
import { memoryManifests } from './memory-manifests.test-support.ts'
import { memoryPeople, memorySecurity, memorySupport } from './memory-people.test-support.ts'
import { memoryRealms } from './memory-realms.test-support.ts'
import { MemoryState } from './memory-state.test-support.ts'
import { memoryTenants } from './memory-tenants.test-support.ts'
import { memoryApprovals, memoryWorkflows } from './memory-workflows.test-support.ts'

/**
 * A control plane in memory that keeps the promises of `ControlPlane`: revisions, cursors bound to
 * their list, four eyes, one workflow a tenant, idempotency.
 */
export class MemoryPlane extends MemoryState implements ControlPlane {
  readonly tenants = memoryTenants(this)
  readonly workflows = memoryWorkflows(this)
  readonly approvals = memoryApprovals(this)
  readonly catalogue = memoryCatalogue(this)
  readonly operators = memoryOperators(this)
  readonly people = memoryPeople(this)
  readonly security = memorySecurity(this)
  readonly support = memorySupport(this)
  readonly realms = memoryRealms(this)
  readonly manifests = memoryManifests(this)
  readonly grants = memoryGrants(this)
  readonly jobs = memoryJobs(this)
  readonly idempotency = memoryIdempotency(this)
  readonly refused: RefusedCall[] = []
  readonly refusals = {
    enter: (refused: RefusedCall) => {
      this.refused.push(refused)
      return Promise.resolve()
    },
  }

  healthy(): Promise<boolean> {
    return Promise.resolve(this.isHealthy)
  }
}
