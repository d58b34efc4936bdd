import type { OpenCell } from '../boundaries/cell.ts'
import { engine } from '../boundaries/registry.ts'
import { hostCell } from '../cells/cell-host.ts'
import type { CellName } from '../core/tenant.ts'
import type { Unit } from '../supervisor/unit.ts'
import type { Places } from './places.ts'

/** A first start installs the boundary and runs the application's migrations. Milliseconds. */
const START_MS = 120_000

export interface CellUnitOptions {
  readonly name: CellName
  readonly engine: string
  readonly directory: string
  /** Path of the application's manifest. */
  readonly application: string
  readonly places: Places
  /** Whether it measures what tenants cost. */
  readonly measured: boolean
  /** Of a server that is not ours. @throws when it was promised and is not there */
  readonly url: () => string | undefined
  /** Told at each start. */
  readonly opened: (cell: OpenCell) => void
}

/** A cell with its host: its doors for control, for vending, and for whoever reads what tenants cost. */
export function cellUnit(options: CellUnitOptions): Unit {
  const { name, directory, application, places, measured } = options
  return {
    name,
    startWithinMs: START_MS,
    start: async ({ log }) => {
      const url = options.url()
      const cell = await engine(options.engine).openCell({
        ...{ name, directory, manifest: application, measured, log },
        ...(url === undefined ? {} : { url }),
      })
      try {
        const { boundary, costs } = cell
        const host = await hostCell({
          ...{ boundary, log },
          ...{ keeper: places.keeper(name), leaser: places.leaser(name) },
          meter: { socket: places.meter(name), costs },
        })
        options.opened(cell)
        let stopped: Promise<void> | undefined
        const stop = () => {
          stopped ??= host.close().then(() => cell.stop())
          return stopped
        }
        // The next start listens on the same sockets, and starts the same silos: both are let go of,
        // also when the cell's server ended by itself.
        const exited = cell.exited.then(stop)
        return { exited, stop }
      } catch (error) {
        await cell.stop()
        throw error
      }
    },
  }
}
