import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Cluster } from '../../../clusters/cluster.ts'
import { startEmbedded } from '../../../clusters/embedded-cluster.ts'
import type { TenantId, Tier } from '../../../core/tenant.ts'
import type { Rehearsal } from '../../boundary.ts'
import { withClient } from '../connection.ts'
import { dropDatabase, installDatabase } from '../install/install.ts'
import { dropRoles } from '../install/roles.ts'
import { newPassword } from '../leases/scram.ts'
import type { Application } from '../manifest.ts'
import { namesFor, newTenantKey, randomPrefix } from '../names.ts'
import { Site } from '../site.ts'
import { Arena, newCanary, plantSide, REHEARSAL_REGION, type Side } from './arena.ts'
import { GROUND } from './ground.ts'
import { PostgresRehearsal } from './postgres-rehearsal.ts'

/** Nobody will need these servers after a crash, so they need not wait for the disk. */
const THROW_AWAY = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' } as const

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
    const ground = new TemporaryGround(this.#options)
    try {
      const arena = await ground.build(tier, tenants)
      return new PostgresRehearsal(arena, () => ground.clear())
    } catch (error) {
      await ground.clear()
      throw error
    }
  }
}

/** Everything that one rehearsal puts on servers, and takes away again. */
class TemporaryGround {
  readonly #options: RehearsalHostOptions
  readonly #clearing: (() => Promise<void>)[] = []

  constructor(options: RehearsalHostOptions) {
    this.#options = options
  }

  async build(tier: Tier, tenants: readonly TenantId[]): Promise<Arena> {
    const { application } = this.#options
    const sides: Side[] = []
    const refusals = new Map<string, string>()
    const shared = tier === 'silo' ? undefined : await this.#makeSite(tier === 'bridge')
    for (const tenant of tenants) {
      const site = shared ?? (await this.#makeSite(false))
      const key = newTenantKey()
      const place = await site.reserve({ id: tenant, tier, region: REHEARSAL_REGION }, key)
      if (tier === 'bridge') await site.makeBridgeDatabase(place.database)
      await site.activate(tenant)
      const { database } = place
      const canary = newCanary()
      const applications = [application, GROUND]
      const { planted, refused } = await plantSide(site, database, applications, key, canary)
      for (const [table, why] of refused) refusals.set(table, why)
      sides.push({ tenant, key, canary, site, database, planted })
    }
    return new Arena({ tier, application, sides, refused: refusals })
  }

  async clear(): Promise<void> {
    for (const step of this.#clearing.reverse()) await step().catch(() => {})
    this.#clearing.length = 0
  }

  async #makeSite(bridges: boolean): Promise<Site> {
    const { application, external } = this.#options
    const cluster = external ?? (await this.#startCluster())
    const names = namesFor(external === undefined ? 'rf' : randomPrefix(), application.name)
    if (external !== undefined) this.#clearing.push(() => removeInstallation(cluster, names))
    const site = await Site.open({
      cluster,
      names,
      application,
      bridges,
      custodianPassword: newPassword(),
      exclusive: external === undefined,
    })
    this.#clearing.push(() => site.close())
    await installDatabase(cluster.admin, names, names.pooledDatabase, GROUND)
    if (bridges) await site.addToTemplate(GROUND)
    return site
  }

  async #startCluster(): Promise<Cluster> {
    const directory = await mkdtemp(join(tmpdir(), 'ringfence-rehearsal-'))
    this.#clearing.push(() => rm(directory, { recursive: true, force: true }))
    const { log } = this.#options
    const cluster = await startEmbedded({
      name: 'rehearsal',
      directory: join(directory, 'cluster'),
      profile: 'cell',
      settings: THROW_AWAY,
      ...(log === undefined ? {} : { log }),
    })
    this.#clearing.push(() => cluster.stop())
    return cluster
  }
}

async function removeInstallation(
  cluster: Cluster,
  names: ReturnType<typeof namesFor>,
): Promise<void> {
  await withClient(cluster.admin, async (client) => {
    const { rows } = await client.query<{ datname: string }>(
      `select datname from pg_database where datname like $1`,
      [`${names.prefix}\\_%`],
    )
    for (const { datname } of rows) await dropDatabase(cluster.admin, datname)
    await dropRoles(client, names)
  })
}
