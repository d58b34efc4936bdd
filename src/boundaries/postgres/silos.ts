import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Cluster } from '../../clusters/cluster.ts'
import { removeCluster } from '../../clusters/cluster-place.ts'
import { startEmbedded } from '../../clusters/embedded-cluster.ts'
import { RingfenceError } from '../../core/errors.ts'
import { LEDGER_VERSION } from './install/custody-tables.ts'
import { setCustodianPassword } from './install/roles.ts'
import { newPassword } from '../../clusters/scram.ts'
import type { Application } from './manifest.ts'
import { type Names, tenantKey, type TenantKey } from './names.ts'
import { Site } from './site.ts'

export interface SilosOptions {
  /** Holds a directory for the seed and one for each silo. */
  readonly directory: string
  readonly names: Names
  readonly application: Application
  /** postgresql.conf settings of every silo that win over the profile's. */
  readonly settings?: Readonly<Record<string, string>>
  readonly log?: (line: string) => void
}

/** Starts, finds and removes silos: embedded servers of one tenant each. */
export class Silos {
  readonly #options: SilosOptions
  readonly #open = new Map<TenantKey, Promise<Site>>()
  readonly #removing = new Set<TenantKey>()
  #seed: Promise<string> | undefined
  #closed = false

  constructor(options: SilosOptions) {
    this.#options = options
  }

  /** A server for a new tenant, copied from the seed; or what is there of it, completed. */
  async create(key: TenantKey): Promise<Site> {
    return this.#opened(key)
  }

  /**
   * The tenant's own server, started as needed.
   * @throws RingfenceError `tenant_unknown` when there is none: its data are never made anew
   */
  async open(key: TenantKey): Promise<Site> {
    if (this.#removing.has(key) || (!this.#open.has(key) && !this.isWhole(key))) {
      throw new RingfenceError('tenant_unknown', 'the tenant has no server here')
    }
    return this.#opened(key)
  }

  /** The silos that run now. */
  async running(): Promise<readonly Site[]> {
    const sites = await Promise.allSettled(this.#open.values())
    return sites.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  }

  /** Stops a silo's server; its data stays. */
  async stop(key: TenantKey): Promise<void> {
    const opening = this.#open.get(key)
    this.#open.delete(key)
    const site = await opening?.catch(() => undefined)
    if (site === undefined) return
    await site.close()
    await site.cluster.stop()
  }

  /**
   * Stops a silo's server and deletes everything that it wrote. Idempotent; what a killed process has
   * left of one is never started again.
   */
  async remove(key: TenantKey): Promise<void> {
    this.#removing.add(key)
    try {
      await this.stop(key)
      const directory = this.#directoryOf(key)
      if (this.exists(key)) await writeFile(`${directory}.removing`, '')
      await rm(`${directory}.installed`, { force: true })
      await removeCluster(nameOf(key), directory)
      await rm(`${directory}.custodian`, { force: true })
      await rm(`${directory}.removing`, { force: true })
    } finally {
      this.#removing.delete(key)
    }
  }

  exists(key: TenantKey): boolean {
    return existsSync(this.#directoryOf(key))
  }

  /** True for a silo that can be started: there, and not half removed. */
  isWhole(key: TenantKey): boolean {
    return this.exists(key) && !existsSync(`${this.#directoryOf(key)}.removing`)
  }

  /** The keys of all silos that have a directory here, whether they run or not. */
  async keys(): Promise<readonly TenantKey[]> {
    const { directory } = this.#options
    if (!existsSync(directory)) return []
    const entries = await readdir(directory, { withFileTypes: true })
    return entries.filter((entry) => entry.isDirectory()).flatMap(({ name }) => keyNamed(name))
  }

  /** The keys of the silos that could run and do not. */
  async asleep(): Promise<readonly TenantKey[]> {
    const keys = await this.keys()
    return keys.filter((key) => !this.#open.has(key) && this.isWhole(key))
  }

  /** Stops all that run, and starts none any more. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#open.keys()].map((key) => this.stop(key)))
  }

  #opened(key: TenantKey): Promise<Site> {
    const known = this.#open.get(key)
    if (known !== undefined) return known
    if (this.#closed) {
      return Promise.reject(new RingfenceError('engine_unavailable', 'the cell is being closed'))
    }
    const opening = this.#start(key)
    const forget = () => {
      if (this.#open.get(key) === opening) this.#open.delete(key)
    }
    this.#open.set(key, opening)
    opening.catch(forget)
    return opening
  }

  #directoryOf(key: TenantKey): string {
    return join(this.#options.directory, key)
  }

  async #start(key: TenantKey): Promise<Site> {
    const { log, settings } = this.#options
    const directory = this.#directoryOf(key)
    const seed = this.exists(key) ? undefined : await this.#makeSeed()
    const cluster = await startEmbedded({
      name: nameOf(key),
      directory,
      profile: 'silo',
      ...(seed === undefined ? {} : { seed }),
      ...(settings === undefined ? {} : { settings }),
      ...(log === undefined ? {} : { log }),
    })
    try {
      const site = await this.#site(cluster, directory, seed !== undefined)
      void cluster.exited.then(() => this.#leave(key, site))
      return site
    } catch (error) {
      await cluster.stop()
      throw error
    }
  }

  /** A server that ended by itself is started again by whoever needs it next. */
  async #leave(key: TenantKey, site: Site): Promise<void> {
    const known = await this.#open.get(key)?.catch(() => undefined)
    if (known !== site) return
    this.#open.delete(key)
    await site.close()
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
    const installed = copied || (await readIfThere(marker)) === markOf(application)
    if (copied) await setCustodianPassword(cluster.admin, names, custodianPassword)
    const site = installed ? Site.attach(options) : await Site.open(options)
    await writeFile(marker, markOf(application))
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
    const { application, directory, settings } = this.#options
    const seed = join(directory, `seed-${application.sha256.slice(0, 16)}`)
    if ((await readIfThere(`${seed}.installed`)) === markOf(application)) return seed
    await mkdir(directory, { recursive: true, mode: 0o700 })
    await removeCluster('silo-seed', seed)
    const cluster = await startEmbedded({
      name: 'silo-seed',
      directory: seed,
      profile: 'silo',
      ...(settings === undefined ? {} : { settings }),
    })
    try {
      const site = await this.#site(cluster, seed, false)
      await site.close()
    } finally {
      await cluster.stop()
    }
    return seed
  }
}

/** The key that a directory is named after; the seeds' are not. */
function keyNamed(name: string): readonly TenantKey[] {
  try {
    return [tenantKey(name)]
  } catch {
    return []
  }
}

function nameOf(key: TenantKey): string {
  return `silo-${key.slice(0, 8)}`
}

/** What a server's marker says when all of this release and of the application is installed on it. */
function markOf(application: Application): string {
  return `${application.sha256} ledger ${LEDGER_VERSION}`
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
