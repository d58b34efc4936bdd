import { type FSWatcher, readdirSync, statSync, watch } from 'node:fs'
import { join } from 'node:path'
import { messageOf, RingfenceError } from '../core/errors.ts'
import type { Configuration, ConfigurationSource } from '../snapshot/snapshot.ts'
import type { ManifestOf } from './manifest.ts'
import { manifestFiles } from './manifest-files.ts'
import { InvalidManifests, problemLine } from './problem.ts'
import { type LocatedManifest, readManifests } from './read-manifests.ts'
import { RealmKeySets } from './realm-key-sets.ts'
import { StandingState } from './standing-state.ts'
import { standingConfiguration, type StandingOptions } from './standing-configuration.ts'

/** Milliseconds between looks, whatever the file system tells, and after its last word before one. */
const LOOK_EVERY_MS = 5_000
const SETTLE_MS = 100

export interface FileSourceOptions extends Omit<StandingOptions, 'keysOf'> {
  /** Manifests are in and below it. */
  readonly directory: string
  /** One line each; what was in force stays in force. */
  readonly onTrouble: (why: string) => void
  /** Default 5 000. */
  readonly lookEveryMs?: number
}

type Listener = Parameters<ConfigurationSource['onChange']>[0]

/**
 * A configuration from files alone: for a gateway without a control plane. Files are read again when
 * they change; a state of them that is not good in all its parts is told, and the last good one stays.
 */
export class FileSource implements ConfigurationSource {
  readonly #options: FileSourceOptions
  readonly #keys: RealmKeySets
  readonly #state: StandingState
  readonly #listeners: Listener[] = []
  #watcher: FSWatcher | undefined
  #timer: NodeJS.Timeout | undefined
  #settling: NodeJS.Timeout | undefined
  #seen = ''
  /** What is in force was made of it. */
  #good: readonly LocatedManifest[] = []
  #looking: Promise<void> = Promise.resolve()
  #told = ''

  private constructor(options: FileSourceOptions) {
    this.#options = options
    this.#keys = new RealmKeySets(options.onTrouble)
    this.#state = new StandingState()
  }

  /** @throws InvalidManifests, RingfenceError `invalid_argument` when the files are not good to begin with */
  static async open(options: FileSourceOptions): Promise<FileSource> {
    const source = new FileSource(options)
    await source.#read(fingerprint(options.directory))
    source.#watch()
    return source
  }

  current(): Configuration {
    return this.#state.view()
  }

  onChange(listener: Listener): void {
    this.#listeners.push(listener)
  }

  /** Looks now whether anything is different, and reads it if so. One look at a time. */
  look(): Promise<void> {
    this.#looking = this.#looking.then(() => this.#look())
    return this.#looking
  }

  async close(): Promise<void> {
    this.#watcher?.close()
    clearInterval(this.#timer)
    clearTimeout(this.#settling)
    await this.#looking
  }

  async #look(): Promise<void> {
    try {
      const seen = fingerprint(this.#options.directory)
      if (seen !== this.#seen) await this.#read(seen)
      else if (await this.#keys.refresh(tenantsIn(this.#good))) this.#take(this.#good)
      this.#state.confirmedAt = new Date()
    } catch (error) {
      this.#tell(error)
    }
  }

  /** @param seen what is read now is not read again before something is different */
  async #read(seen: string): Promise<void> {
    this.#seen = seen
    const located = readManifests(manifestFiles(this.#options.directory))
    await this.#keys.refresh(tenantsIn(located))
    this.#take(located)
    this.#good = located
    this.#told = ''
  }

  #take(located: readonly LocatedManifest[]): void {
    const keysOf = (tenant: ManifestOf<'Tenant'>) => this.#keys.keysOf(tenant)
    const options = { ...this.#options, keysOf }
    const next = standingConfiguration(located, options, this.#state.version + 1)
    const changed = this.#state.replace(next.platform, next.tenants)
    if (changed.length === 0) return
    const now = this.#state.view()
    for (const listener of this.#listeners) listener(changed, now)
  }

  /** Once, however often it is looked at. */
  #tell(error: unknown): void {
    const lines =
      error instanceof InvalidManifests ? error.problems.map(problemLine) : [messageOf(error)]
    if (lines.join('\n') === this.#told) return
    this.#told = lines.join('\n')
    for (const line of lines) this.#options.onTrouble(line)
  }

  #watch(): void {
    const { directory, lookEveryMs = LOOK_EVERY_MS } = this.#options
    this.#timer = setInterval(() => void this.look(), lookEveryMs)
    this.#timer.unref()
    try {
      // Editors and deployments write in steps: what is looked at is what they come to rest with.
      this.#watcher = watch(directory, { recursive: true, persistent: false }, () => {
        clearTimeout(this.#settling)
        this.#settling = setTimeout(() => void this.look(), SETTLE_MS)
        this.#settling.unref()
      })
      this.#watcher.on('error', () => this.#watcher?.close())
    } catch {
      // Where the file system tells nothing, it is looked at all the same.
    }
  }
}

function tenantsIn(located: readonly LocatedManifest[]): readonly ManifestOf<'Tenant'>[] {
  return located.flatMap(({ manifest }) => (manifest.kind === 'Tenant' ? [manifest] : []))
}

/** Changes whenever a file's name, size or time does. */
function fingerprint(directory: string): string {
  try {
    return readdirSync(directory, { recursive: true, encoding: 'utf8' })
      .toSorted()
      .map((name) => {
        const { size, mtimeMs, ino } = statSync(join(directory, name))
        return `${name} ${size} ${mtimeMs} ${ino}`
      })
      .join('\n')
  } catch (error) {
    throw new RingfenceError('invalid_argument', `${directory}: ${messageOf(error)}`)
  }
}
