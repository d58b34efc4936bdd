import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Cluster } from '../../clusters/cluster.ts'
import { startEmbedded } from '../../clusters/embedded-cluster.ts'
import { setCustodianPassword } from './install/roles.ts'
import { newPassword } from './leases/scram.ts'
import type { Application } from './manifest.ts'
import type { Names, TenantKey } from './names.ts'
import { Site } from './site.ts'

export interface SilosOptions {
  /** Holds a directory for the seed and one for each silo. */
  readonly directory: string
  readonly names: Names
  readonly application: Application
  readonly log?: (line: string) => void
}

/** Starts, finds and removes silos: embedded servers of one tenant each. */
export class Silos {
  readonly #options: SilosOptions
  readonly #open = new Map<TenantKey, Promise<Site>>()
  #seed: Promise<string> | undefined

  constructor(options: SilosOptions) {
    this.#options = options
  }

  /** The tenant's own server, made from the seed and started as needed. */
  async open(key: TenantKey): Promise<Site> {
    const running = this.#open.get(key)
    if (running !== undefined) return running
    const starting = this.#start(key)
    this.#open.set(key, starting)
    starting.catch(() => this.#open.delete(key))
    return starting
  }

  /** The silos that run now. */
  async running(): Promise<readonly Site[]> {
    return Promise.all(this.#open.values())
  }

  /** Stops a silo's server; its data stays. */
  async stop(key: TenantKey): Promise<void> {
    const site = this.#open.get(key)
    this.#open.delete(key)
    if (site === undefined) return
    const stopping = await site
    await stopping.close()
    await stopping.cluster.stop()
  }

  /** Stops a silo's server and deletes everything that it wrote. */
  async remove(key: TenantKey): Promise<void> {
    await this.stop(key)
    const directory = this.#directoryOf(key)
    for (const path of [`${directory}.installed`, directory, `${directory}.custodian`]) {
      await rm(path, { recursive: true, force: true })
    }
  }

  exists(key: TenantKey): boolean {
    return existsSync(this.#directoryOf(key))
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.keys()].map((key) => this.stop(key)))
  }

  #directoryOf(key: TenantKey): string {
    return join(this.#options.directory, key)
  }

  async #start(key: TenantKey): Promise<Site> {
    const directory = this.#directoryOf(key)
    const seed = this.exists(key) ? undefined : await this.#makeSeed()
    const cluster = await startEmbedded({
      name: `silo-${key.slice(0, 8)}`,
      directory,
      profile: 'silo',
      ...(seed === undefined ? {} : { seed }),
      ...(this.#options.log === undefined ? {} : { log: this.#options.log }),
    })
    try {
      return await this.#site(cluster, directory, seed !== undefined)
    } catch (error) {
      await cluster.stop()
      throw error
    }
  }

  /**
   * The silo's site. What was installed for the same application before is not installed again, so
   * that a start on demand takes tens of milliseconds.
   */
  async #site(cluster: Cluster, directory: string, copied: boolean): Promise<Site> {
    const { names, application } = this.#options
    const custodianPassword = await readOrMakeSecret(`${directory}.custodian`)
    const options = {
      cluster,
      names,
      application,
      custodianPassword,
      exclusive: true,
      bridges: false,
    }
    const marker = `${directory}.installed`
    const installed = copied || (await readIfThere(marker)) === application.sha256
    if (copied) await setCustodianPassword(cluster.admin, names, custodianPassword)
    const site = installed ? Site.attach(options) : await Site.open(options)
    await writeFile(marker, application.sha256)
    return site
  }

  /** A stopped server with everything installed. Copying it is faster than making one. */
  #makeSeed(): Promise<string> {
    this.#seed ??= this.#buildSeed().catch((error: unknown) => {
      this.#seed = undefined
      throw error
    })
    return this.#seed
  }

  async #buildSeed(): Promise<string> {
    const { application, directory } = this.#options
    const seed = join(directory, `seed-${application.sha256.slice(0, 16)}`)
    if ((await readIfThere(`${seed}.installed`)) === application.sha256) return seed
    await mkdir(directory, { recursive: true, mode: 0o700 })
    await rm(seed, { recursive: true, force: true })
    const cluster = await startEmbedded({ name: 'silo-seed', directory: seed, profile: 'silo' })
    try {
      const site = await this.#site(cluster, seed, false)
      await site.close()
    } finally {
      await cluster.stop()
    }
    return seed
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  return existsSync(path) ? await readFile(path, 'utf8') : undefined
}

/** A password kept in a file that only we may read. */
export async function readOrMakeSecret(path: string): Promise<string> {
  if (existsSync(path)) return (await readFile(path, 'utf8')).trim()
  const secret = newPassword()
  await writeFile(path, `${secret}\n`, { mode: 0o600, flag: 'wx' })
  return secret
}
