import type { Cluster } from '../../../clusters/cluster.ts'
import type { Tier } from '../../../core/tenant.ts'
import { withClient } from '../connection.ts'
import { dropDatabase } from '../install/install.ts'
import { dropRoles } from '../install/roles.ts'
import { newPassword } from '../../../clusters/scram.ts'
import type { Application } from '../manifest.ts'
import { type Names, namesFor, randomPrefix } from '../names.ts'
import type { Site } from '../site.ts'
import type { RehearsalServers } from './rehearsal-servers.ts'
import { openRehearsalSite } from './throw-away-servers.ts'

/** A server that others use: the rehearsal has databases and roles of its own on it for a while. */
export class BorrowedServer implements RehearsalServers {
  readonly #cluster: Cluster
  readonly #application: Application
  readonly #names: Names
  #site: Site | undefined

  constructor(cluster: Cluster, application: Application) {
    this.#cluster = cluster
    this.#application = application
    this.#names = namesFor(randomPrefix(), application.name)
  }

  async sites(tier: Tier): Promise<readonly Site[]> {
    this.#site = await openRehearsalSite({
      cluster: this.#cluster,
      names: this.#names,
      application: this.#application,
      bridges: tier === 'bridge',
      custodianPassword: newPassword(),
      exclusive: false,
    })
    return [this.#site]
  }

  async clear(): Promise<void> {
    await this.#site?.close()
    await withClient(this.#cluster.admin, async (client) => {
      const { rows } = await client.query<{ datname: string }>(
        `select datname from pg_database where datname like $1`,
        [`${this.#names.prefix}\\_%`],
      )
      for (const { datname } of rows) await dropDatabase(this.#cluster.admin, datname)
      await dropRoles(client, this.#names)
    })
  }
}
