import { join } from 'node:path'
import type { Cluster } from '../../../clusters/cluster.ts'
import { type ClusterProfile, startEmbedded } from '../../../clusters/embedded-cluster.ts'
import { openThrowAwayRoom, type ThrowAwayRoom } from '../../../clusters/throw-away-room.ts'
import type { Tier } from '../../../core/tenant.ts'
import { installDatabase } from '../install/install.ts'
import { setCustodianPassword } from '../install/roles.ts'
import { newPassword } from '../../../clusters/scram.ts'
import type { Application } from '../manifest.ts'
import { type Names, namesFor } from '../names.ts'
import { Site, type SiteOptions } from '../site.ts'
import { GROUND } from './ground.ts'
import type { RehearsalServers } from './rehearsal-servers.ts'

/** Nobody will need these servers after a crash, so they need not wait for the disk. */
const THROW_AWAY = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' } as const

/** Installs an application and the proving ground on a server. */
export async function openRehearsalSite(options: SiteOptions): Promise<Site> {
  const { cluster, names, bridges } = options
  const site = await Site.open(options)
  try {
    await installDatabase(cluster.admin, names, names.pooledDatabase, GROUND)
    if (bridges) await site.addToTemplate(GROUND)
    return site
  } catch (error) {
    await site.close()
    throw error
  }
}

interface Server {
  readonly cluster: Cluster
  /** Undefined until everything is installed. */
  site: Site | undefined
}

/** Embedded servers with the boundary installed, in a directory that goes with them. */
export class ThrowAwayServers implements RehearsalServers {
  readonly #application: Application
  readonly #names: Names
  readonly #log: ((line: string) => void) | undefined
  readonly #running = new Set<Server>()
  #room: Promise<ThrowAwayRoom> | undefined

  constructor(application: Application, log?: (line: string) => void) {
    this.#application = application
    this.#names = namesFor('rf', application.name)
    this.#log = log
  }

  async sites(tier: Tier, count: number): Promise<readonly Site[]> {
    if (tier !== 'silo') return [await this.#start('cell', 'cell', tier === 'bridge')]
    // One server is installed, stopped, and copied for every silo.
    await this.#start('seed', 'silo', false)
    await this.#stop()
    const names = Array.from({ length: count }, (_, index) => `silo-${index}`)
    return Promise.all(names.map((name) => this.#start(name, 'silo', false, 'seed')))
  }

  async clear(): Promise<void> {
    await this.#stop()
    const room = await this.#room?.catch(() => undefined)
    await room?.close()
  }

  async #stop(): Promise<void> {
    const stopping = [...this.#running].map(async (server) => {
      await server.site?.close()
      await server.cluster.stop()
      this.#running.delete(server)
    })
    await Promise.all(stopping)
  }

  async #start(
    name: string,
    profile: ClusterProfile,
    bridges: boolean,
    seed?: string,
  ): Promise<Site> {
    this.#room ??= openThrowAwayRoom('rehearsal')
    const { directory } = await this.#room
    const cluster = await startEmbedded({
      name: `rehearsal-${name}`,
      directory: join(directory, name),
      profile,
      settings: THROW_AWAY,
      ...(seed === undefined ? {} : { seed: join(directory, seed) }),
      ...(this.#log === undefined ? {} : { log: this.#log }),
    })
    const server: Server = { cluster, site: undefined }
    this.#running.add(server)
    const custodianPassword = newPassword()
    const names = this.#names
    const application = this.#application
    const options = { cluster, names, application, custodianPassword, bridges, exclusive: true }
    if (seed === undefined) {
      server.site = await openRehearsalSite(options)
    } else {
      await setCustodianPassword(cluster.admin, names, custodianPassword)
      server.site = Site.attach(options)
    }
    return server.site
  }
}
