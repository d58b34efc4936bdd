import type { RevocationList } from '../revocation/revocation.ts'
import type { PlatformConfig, WorkloadConfig } from '../snapshot/snapshot.ts'
import type { UsedAssertions } from '../tokens/client-assertion.ts'
import type { ContextKeys } from '../tokens/tenant-context.ts'
import { KeySet } from '../tokens/verify-token.ts'
import { Limits } from './limits.ts'

/** What the checks need besides the request. */
export interface CheckTools {
  /** Vending's own issuer id: what client assertions must be for. */
  readonly audience: string
  readonly used: UsedAssertions
  readonly limits: Limits
  readonly revocations: RevocationList
  /** Requests a minute of one workload, over all tenants. */
  readonly workloadPerMinute: number
  readonly keysOf: (workload: WorkloadConfig | undefined) => KeySet
  readonly contextKeysOf: (platform: PlatformConfig) => ContextKeys
}

/** Keys are read once for each configuration that they come with. */
export function checkTools(
  audience: string,
  used: UsedAssertions,
  workloadPerMinute: number,
  revocations: RevocationList,
): CheckTools {
  const nobody = new KeySet([])
  const workloads = new WeakMap<WorkloadConfig, KeySet>()
  const platforms = new WeakMap<PlatformConfig, ContextKeys>()
  return {
    audience,
    used,
    limits: new Limits(),
    revocations,
    workloadPerMinute,
    keysOf(workload) {
      if (workload === undefined) return nobody
      const keys = workloads.get(workload) ?? new KeySet(workload.keys)
      workloads.set(workload, keys)
      return keys
    },
    contextKeysOf(platform) {
      const keys = platforms.get(platform) ?? {
        request: new KeySet(platform.contextKeys),
        job: new KeySet(platform.jobKeys),
      }
      platforms.set(platform, keys)
      return keys
    },
  }
}
