import type { Tier } from '../../../core/tenant.ts'
import type { Site } from '../site.ts'

/** Where one rehearsal is, and how everything of it is taken away again. */
export interface RehearsalServers {
  /** One site that all tenants share, or one for each of `count` silos. */
  sites(tier: Tier, count: number): Promise<readonly Site[]>
  clear(): Promise<void>
}
