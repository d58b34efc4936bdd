import { openTelemetry, type Telemetry } from '../../telemetry/open-telemetry.ts'
import type { TelemetrySettings } from '../../telemetry/telemetry-settings.ts'
import type { Log, Served } from './served.ts'

/** What a plane says and counts by. */
export interface Measures {
  readonly log: Log
  /** Absent where none is configured. */
  readonly telemetry: Telemetry | undefined
}

/**
 * Runs a plane with its telemetry, which is there before it and ends after it.
 * @throws as the plane does; RingfenceError `port_taken`, `invalid_manifest`
 */
export async function measured(
  options: {
    readonly plane: string
    readonly version: string
    readonly settings: TelemetrySettings | undefined
    readonly worker?: string
  },
  log: Log,
  start: (measures: Measures) => Promise<Served>,
): Promise<Served> {
  const { settings, ...who } = options
  if (settings === undefined) return start({ log, telemetry: undefined })
  const telemetry = await openTelemetry({ ...who, settings, write: log })
  try {
    const served = await start({ log: telemetry.log, telemetry })
    return {
      ...served,
      async close() {
        await served.close()
        await telemetry.close()
      },
    }
  } catch (error) {
    await telemetry.close()
    throw error
  }
}
