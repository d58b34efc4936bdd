import { join } from 'node:path'
import type { Boundary, Leaser } from '../boundaries/boundary.ts'
import type { OpenCell } from '../boundaries/cell.ts'
import { engine } from '../boundaries/registry.ts'
import { stateDirectory } from '../clusters/cluster-place.ts'
import { startEmbedded } from '../clusters/embedded-cluster.ts'
import { Registry, type TenantEntry } from '../control/registry.ts'
import { RingfenceError } from '../core/errors.ts'
import type { Finding } from '../core/finding.ts'
import type { CellName, TenantId } from '../core/tenant.ts'
import { processUnit } from '../supervisor/process-unit.ts'
import { Supervisor } from '../supervisor/supervisor.ts'
import type { SupervisorEvent, Unit } from '../supervisor/unit.ts'
import { LeaseCache } from '../vending/lease-cache.ts'
import { listenOnSocket } from '../vending/listen-on-socket.ts'
import { Sweeper } from '../vending/sweeper.ts'
import { ContextSigner } from '../vending/tenant-context.ts'
import { vendingApp } from '../vending/vending-server.ts'
import { operatorApp } from './operator-server.ts'
import type { PlatformManifest, PlatformProcess, PlatformTenant } from './platform-manifest.ts'
import { socketPathIn } from './socket-path.ts'

const ENGINE = 'postgres'
const LEASE_SECONDS = 900
/** A first start installs the boundary and runs the application's migrations. Milliseconds. */
const CELL_START_MS = 120_000
/** The operator's socket, in the state directory. */
export const OPERATOR_SOCKET = 'operator.sock'

export interface PlatformOptions {
  readonly manifest: PlatformManifest
  /** Everything that the platform writes is below it. */
  readonly stateDirectory: string
  readonly onEvent?: (event: SupervisorEvent) => void
  readonly environment?: NodeJS.ProcessEnv
}

/**
 * A platform under one supervisor: the control database, the cells, the vending endpoint, and the
 * application's own processes. Parts that end are started again; `stop` ends all, in order.
 */
export class Platform {
  readonly manifest: PlatformManifest
  readonly #options: PlatformOptions
  readonly #supervisor: Supervisor
  readonly #cells = new Map<CellName, OpenCell>()
  readonly #leases: LeaseCache
  #registry: Registry | undefined
  #signer: ContextSigner | undefined

  constructor(options: PlatformOptions) {
    this.manifest = options.manifest
    this.#options = options
    this.#leases = new LeaseCache({
      leaserOf: (tenant) => this.boundaryOf(tenant),
      holder: `vending-${process.pid}`,
      ttlSeconds: LEASE_SECONDS,
      onRenewalFailed: (tenant, error) => this.#log(`no renewal for ${tenant}: ${codeOf(error)}`),
    })
    const { onEvent } = options
    this.#supervisor = new Supervisor(this.#units(), onEvent === undefined ? {} : { onEvent })
  }

  /** Resolves when every part is ready. When a part cannot start, all others are stopped again. */
  async start(): Promise<void> {
    await stateDirectory(this.#options.stateDirectory)
    this.#signer = await ContextSigner.create()
    await this.#supervisor.start()
  }

  async stop(): Promise<void> {
    await this.#supervisor.stop()
  }

  /** Ends everything at once, without waiting: for a second signal. */
  kill(): void {
    this.#supervisor.kill()
  }

  get leases(): LeaseCache {
    return this.#leases
  }

  get registry(): Registry {
    return running(this.#registry)
  }

  cell(name: CellName): OpenCell {
    return running(this.#cells.get(name))
  }

  /** Places a tenant in its cell: registered, provisioned, active. Idempotent. */
  async place(tenant: PlatformTenant): Promise<TenantEntry> {
    const entry = await this.registry.enter(tenant, tenant.cell, tenant.displayName)
    await this.cell(entry.cell).boundary.provision(tenant)
    if (entry.status !== 'active') await this.registry.activate(tenant.id)
    return { ...entry, status: 'active' }
  }

  /** Where an active tenant's credentials come from. @throws RingfenceError `tenant_unknown` */
  async boundaryOf(tenant: TenantId): Promise<Boundary> {
    const entry = await this.registry.find(tenant)
    if (entry?.status !== 'active') {
      throw new RingfenceError('tenant_unknown', 'no such active tenant')
    }
    return this.cell(entry.cell).boundary
  }

  /** A token with which an application acts for the tenant, good for `seconds`. */
  async contextFor(tenant: TenantId, seconds: number): Promise<string> {
    return running(this.#signer).sign(tenant, seconds)
  }

  /** What widens the boundary on any cell, now. */
  async inspect(): Promise<readonly Finding[]> {
    const findings = await Promise.all(
      [...this.#cells.values()].map((cell) => cell.boundary.inspect()),
    )
    return findings.flat()
  }

  #units(): readonly Unit[] {
    const cells = this.manifest.cells.map((cell) => this.#cellUnit(cell.name, cell.urlFrom))
    const cellNames = cells.map((unit) => unit.name)
    return [
      this.#controlUnit(),
      ...cells,
      this.#vendingUnit(cellNames),
      ...this.manifest.processes.map((process) => this.#processUnit(process)),
    ]
  }

  #controlUnit(): Unit {
    return {
      name: 'control',
      start: async ({ log }) => {
        const directory = join(this.#options.stateDirectory, 'control')
        const cluster = await startEmbedded({ name: 'control', directory, profile: 'control', log })
        this.#registry = await Registry.open(cluster.admin)
        return {
          exited: cluster.exited,
          stop: async () => {
            await this.#registry?.close()
            await cluster.stop()
          },
        }
      },
    }
  }

  #cellUnit(name: CellName, urlFrom: string | undefined): Unit {
    return {
      name,
      dependsOn: ['control'],
      startWithinMs: CELL_START_MS,
      start: async ({ log }) => {
        const url = urlFrom === undefined ? undefined : this.#variable(urlFrom)
        const cell = await engine(ENGINE).openCell({
          name,
          directory: join(this.#options.stateDirectory, 'cells', name),
          manifest: this.manifest.application,
          log,
          ...(url === undefined ? {} : { url }),
        })
        this.#cells.set(name, cell)
        return { exited: cell.exited, stop: () => cell.stop() }
      },
    }
  }

  #vendingUnit(cells: readonly string[]): Unit {
    return {
      name: 'vending',
      dependsOn: ['control', ...cells],
      start: async ({ log }) => {
        const sweeper = new Sweeper({
          leasers: (): readonly Leaser[] => [...this.#cells.values()].map((cell) => cell.boundary),
          onSweep: ({ overBudget }) => overBudget.forEach((reason) => log(`ended ${reason}`)),
          onError: (error) => log(`sweep: ${codeOf(error)}`),
        })
        const contextKey = running(this.#signer).publicJwk
        const vending = await listenOnSocket(
          vendingApp({ cache: this.#leases, contextKey, log }).fetch,
          await this.vendingSocket(),
        )
        const operator = await listenOnSocket(
          operatorApp(this).fetch,
          await socketPathIn(this.#options.stateDirectory, OPERATOR_SOCKET),
        )
        sweeper.start()
        const closed = Promise.withResolvers<void>()
        return {
          exited: closed.promise,
          stop: async () => {
            await sweeper.stop()
            await Promise.all([vending.close(), operator.close()])
            closed.resolve()
          },
        }
      },
    }
  }

  #processUnit({ name, command, directory, environment, ready }: PlatformProcess): Unit {
    const [program, ...args] = command
    return {
      name,
      dependsOn: ['vending'],
      start: async (context) =>
        processUnit({
          name,
          command: program === 'node' ? process.execPath : (program ?? ''),
          args,
          cwd: directory,
          env: {
            ...this.#options.environment,
            ...environment,
            RINGFENCE_VENDING_SOCKET: await this.vendingSocket(),
          },
          readyPattern: new RegExp(ready),
        }).start(context),
    }
  }

  /** The unix socket of the vending endpoint. */
  vendingSocket(): Promise<string> {
    return socketPathIn(this.#options.stateDirectory, 'vending.sock')
  }

  #variable(name: string): string {
    const value = this.#options.environment?.[name]
    if (value === undefined || value === '') {
      throw new RingfenceError('invalid_argument', `set ${name} to the URL of the cell's server`)
    }
    return value
  }

  #log(line: string): void {
    this.#options.onEvent?.({ type: 'log', unit: 'vending', line })
  }
}

/** @throws RingfenceError `engine_unavailable` for a part that is not running now. */
function running<T>(part: T | undefined): T {
  if (part === undefined) {
    throw new RingfenceError('engine_unavailable', 'a part of the platform is not running yet')
  }
  return part
}

function codeOf(error: unknown): string {
  return error instanceof RingfenceError ? error.code : 'internal'
}
