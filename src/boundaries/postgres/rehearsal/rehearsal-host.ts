import type { Cluster } from '../../../clusters/cluster.ts'
import type { TenantId, Tier } from '../../../core/tenant.ts'
import type { Rehearsal } from '../../boundary.ts'
import type { Application } from '../manifest.ts'
import { BorrowedServer } from './borrowed-server.ts'
import { PostgresRehearsal } from './postgres-rehearsal.ts'
import type { RehearsalServers } from './rehearsal-servers.ts'
import { settle } from './settle.ts'
import { ThrowAwayServers } from './throw-away-servers.ts'

export interface RehearsalHostOptions {
  readonly application: Application
  /** Where to rehearse; absent: on embedded servers that are started for it and thrown away. */
  readonly external?: Cluster
  readonly log?: (line: string) => void
}

/** Makes throw-away copies: same code, same manifest, other roles and databases. */
export class RehearsalHost {
  readonly #options: RehearsalHostOptions

  constructor(options: RehearsalHostOptions) {
    this.#options = options
  }

  async rehearse(tier: Tier, tenants: readonly TenantId[]): Promise<Rehearsal> {
    const { application, external, log } = this.#options
    const servers: RehearsalServers =
      external === undefined
        ? new ThrowAwayServers(application, log)
        : new BorrowedServer(external, application)
    try {
      const sites = await servers.sites(tier, tenants.length)
      const arena = await settle(application, tier, tenants, sites)
      return new PostgresRehearsal(arena, () => servers.clear())
    } catch (error) {
      await servers.clear()
      throw error
    }
  }
}
