import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { OpenCell } from '../boundaries/cell.ts'
import { stateDirectory } from '../clusters/cluster-place.ts'
import { type DirectoryLock, lockDirectory } from '../clusters/directory-lock.ts'
import { startEmbedded } from '../clusters/embedded-cluster.ts'
import { scramVerifier } from '../clusters/scram.ts'
import { readState, writeState } from '../clusters/state-file.ts'
import { prepareControlDatabase } from '../control/control-database.ts'
import { RingfenceError } from '../core/errors.ts'
import type { ClientId } from '../core/names.ts'
import type { CellName } from '../core/tenant.ts'
import { processUnit } from '../supervisor/process-unit.ts'
import { Supervisor } from '../supervisor/supervisor.ts'
import type { SupervisorEvent, Unit } from '../supervisor/unit.ts'
import { cellUnit } from './cell-unit.ts'
import { PLANES, type Plane } from './plane-config.ts'
import type { PlatformManifest, PlatformProcess } from './platform-manifest.ts'
import { urlOf, withPorts } from './ports.ts'
import { Secrets } from './secrets.ts'
import { CONTROL_URL_FILE, OPERATOR_TOKEN_FILE, RECORDS_URL_FILE } from './state-files.ts'
import { type Places, placesIn } from './places.ts'
import { tiersOfCell, writePlanes } from './write-planes.ts'
import { CONTEXT_KEYS_FILE, workloadEnvironment, writeContextKeys } from './workload-environment.ts'

const ENGINE = 'postgres'
const LISTENING = /"event":"listening"/

export interface PlatformOptions {
  readonly manifest: PlatformManifest
  /** Everything that the platform writes is below it. */
  readonly stateDirectory: string
  readonly onEvent?: (event: SupervisorEvent) => void
  readonly environment?: NodeJS.ProcessEnv
}

/**
 * A platform under one supervisor: the control database, the cells, the five planes as processes of
 * their own, and the application's processes. Parts that end are started again; `stop` ends all, in
 * order.
 */
export class Platform {
  readonly #options: PlatformOptions
  readonly #cells = new Map<CellName, OpenCell>()
  #manifest: PlatformManifest
  #supervisor: Supervisor | undefined
  #place: Place | undefined
  #lock: DirectoryLock | undefined

  constructor(options: PlatformOptions) {
    this.#options = options
    this.#manifest = options.manifest
  }

  /** The manifest, with the ports that were taken. */
  get manifest(): PlatformManifest {
    return this.#manifest
  }

  get gatewayUrl(): string {
    return urlOf(this.#manifest.listen.gateway)
  }

  get controlUrl(): string {
    return urlOf(this.#manifest.listen.control)
  }

  /** Resolves when every part is ready. When a part cannot start, all others are stopped again. */
  async start(): Promise<void> {
    const directory = await stateDirectory(this.#options.stateDirectory)
    this.#lock = lockDirectory(this.#options.manifest.name, directory, 'exclusive')
    try {
      await this.#startIn(directory)
    } catch (error) {
      this.#lock.release()
      throw error
    }
  }

  async #startIn(directory: string): Promise<void> {
    this.#manifest = await withPorts(this.#options.manifest, directory)
    const secrets = await Secrets.open(directory)
    for (const name of ['planes', 'configuration', 'journal', 'exports']) {
      await mkdir(join(directory, name), { recursive: true, mode: 0o700 })
    }
    const places = await placesIn(directory, this.#manifest.cells)
    this.#place = { directory, secrets, places }
    await writeContextKeys(join(directory, CONTEXT_KEYS_FILE), secrets)
    await writeState(join(directory, CONTROL_URL_FILE), this.controlUrl)
    await writeState(join(directory, RECORDS_URL_FILE), `unix:${places.intake}`)
    const { onEvent } = this.#options
    this.#supervisor = new Supervisor(
      this.#units(this.#place),
      onEvent === undefined ? {} : { onEvent },
    )
    await this.#supervisor.start()
  }

  async stop(): Promise<void> {
    await this.#supervisor?.stop()
    this.#lock?.release()
  }

  /** Ends everything at once, without waiting: for a second signal. */
  kill(): void {
    this.#supervisor?.kill()
  }

  /** A cell that runs now. @throws RingfenceError `engine_unavailable` */
  cell(name: CellName): OpenCell {
    const cell = this.#cells.get(name)
    if (cell === undefined) {
      throw new RingfenceError('engine_unavailable', 'a part of the platform is not running yet')
    }
    return cell
  }

  /**
   * What a workload's program finds in its environment: its identity, and the addresses that it needs.
   * @param program one of the manifest's processes, which has a spool for usage of its own
   * @throws RingfenceError `invalid_argument` for a workload that the manifest does not name
   */
  async workloadEnvironment(
    client: ClientId,
    program?: string,
  ): Promise<Readonly<Record<string, string>>> {
    const workload = this.#manifest.workloads.find((one) => one.client === client)
    const place = this.#place
    if (workload === undefined || place === undefined) {
      throw new RingfenceError('invalid_argument', `there is no workload ${client}`)
    }
    return workloadEnvironment({
      workload,
      stateDirectory: place.directory,
      vending: `unix:${place.places.vending}`,
      decisions: `unix:${place.places.decisions}`,
      usage: `unix:${place.places.intake}`,
      spool: program === undefined ? `workload-${client}` : `process-${program}`,
      control: this.controlUrl,
      secrets: place.secrets,
    })
  }

  #units(place: Place): readonly Unit[] {
    const { directory, places } = place
    const { cells, processes } = this.#manifest
    const names = cells.map((cell) => cell.name)
    return [
      this.#databaseUnit(place),
      ...cells.map(({ name, urlFrom }) =>
        cellUnit({
          ...{ name, engine: ENGINE, places, application: this.#manifest.application },
          directory: join(directory, 'cells', name),
          measured: this.#manifest.billing.costs !== undefined,
          url: () => (urlFrom === undefined ? undefined : this.#variable(urlFrom)),
          opened: (cell) => this.#cells.set(name, cell),
        }),
      ),
      this.#planeUnit('identity', ['database'], places),
      this.#planeUnit('control', ['database', 'identity', ...names], places),
      this.#planeUnit('vending', ['database', ...names], places),
      this.#planeUnit('gateway', ['database'], places),
      this.#planeUnit('records', ['database'], places),
      ...processes.map((process) => this.#processUnit(process)),
    ]
  }

  #databaseUnit({ directory, secrets, places }: Place): Unit {
    return {
      name: 'database',
      start: async ({ log }) => {
        const cluster = await startEmbedded({
          name: 'control',
          directory: join(directory, 'control'),
          profile: 'control',
          log,
        })
        try {
          const verifierOf = async (plane: Plane) =>
            scramVerifier(await secrets.text(`database-${plane}`))
          await prepareControlDatabase(cluster.admin, {
            rf_control: await verifierOf('control'),
            rf_identity: await verifierOf('identity'),
            rf_vending: await verifierOf('vending'),
            rf_gateway: await verifierOf('gateway'),
            rf_records: await verifierOf('records'),
          })
          await writePlanes({
            manifest: this.#manifest,
            stateDirectory: directory,
            database: cluster.admin,
            engine: ENGINE,
            tiersOf: (name) => tiersOfCell(this.#isExternal(name)),
            secrets,
            places,
          })
        } catch (error) {
          await cluster.stop()
          throw error
        }
        return { exited: cluster.exited, stop: () => cluster.stop() }
      },
    }
  }

  #isExternal(name: CellName): boolean {
    return this.#manifest.cells.some((cell) => cell.name === name && cell.urlFrom !== undefined)
  }

  #planeUnit(plane: Plane, dependsOn: readonly string[], places: Places): Unit {
    return processUnit({
      name: plane,
      command: process.execPath,
      args: [MAIN, 'serve', plane, '--config', places.config(plane)],
      env: { PATH: this.#options.environment?.['PATH'] },
      dependsOn,
      readyPattern: LISTENING,
    })
  }

  #processUnit({
    name,
    command,
    directory: cwd,
    environment,
    ready,
    workload,
  }: PlatformProcess): Unit {
    const [program, ...args] = command
    return {
      name,
      dependsOn: ['vending', 'control'],
      start: async (context) =>
        processUnit({
          name,
          command: process.execPath,
          args: [LEASH, program === 'node' ? process.execPath : (program ?? ''), ...args],
          cwd,
          env: {
            ...this.#options.environment,
            ...environment,
            ...(workload === undefined ? {} : await this.workloadEnvironment(workload, name)),
          },
          readyPattern: new RegExp(ready),
        }).start(context),
    }
  }

  #variable(name: string): string {
    const value = this.#options.environment?.[name]
    if (value === undefined || value === '') {
      throw new RingfenceError('invalid_argument', `set ${name} to the URL of the cell's server`)
    }
    return value
  }
}

/** What a start has made on the disk. */
interface Place {
  readonly directory: string
  readonly secrets: Secrets
  readonly places: Places
}

/** One of our own files that is run, as source in a checkout and compiled in a package. */
function fileToRun(path: string): string {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return fileURLToPath(new URL(`${path}.${extension}`, import.meta.url))
}
const MAIN = fileToRun('../main')
/** Ends an application's program when we are killed, so that the next start finds its port free. */
const LEASH = fileToRun('../supervisor/leash')

/** Names of a platform's parts, for log prefixes, in the order of their start. */
export function partNames(manifest: PlatformManifest): readonly string[] {
  return [
    'database',
    ...manifest.cells.map((cell) => cell.name),
    ...PLANES,
    ...manifest.processes.map((process) => process.name),
  ]
}

/** The first operator's token of the platform on a state directory, or undefined before it is up. */
export function operatorToken(stateDirectory: string): Promise<string | undefined> {
  return readState(join(stateDirectory, OPERATOR_TOKEN_FILE))
}
