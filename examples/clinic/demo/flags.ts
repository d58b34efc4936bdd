import { parseArgs } from 'node:util'
import { RingfenceError } from '../../../src/core/errors.ts'

export interface DemoFlags {
  /** Ends after the proof instead of staying up, with the proof's exit code. */
  readonly once: boolean
  readonly stateDirectory: string
  readonly port: number
  readonly help: boolean
}

export const USAGE = `npm start -- [--once] [--port N] [--state DIR]

Brings up the clinic demo: two cells, seven tenants on three tiers, an application with three faults.
Shows what the faults do behind the boundary, runs the proof, and stays up until Ctrl-C.

  --once       end after the proof, with its exit code (0 proven, 1 leak or unnoticed mutant, 2 void)
  --port N     port of the application on 127.0.0.1 (default 4180; 0 takes a free one)
  --state DIR  where everything is kept (default .ringfence)
`

/** @throws RingfenceError `invalid_argument` for what it does not know. */
export function readFlags(args: readonly string[]): DemoFlags {
  let values: { once?: boolean; port?: string; state?: string; help?: boolean }
  try {
    ;({ values } = parseArgs({
      args: [...args],
      strict: true,
      options: {
        once: { type: 'boolean' },
        port: { type: 'string' },
        state: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }))
  } catch (error) {
    throw new RingfenceError('invalid_argument', (error as Error).message.split('\n')[0] ?? '')
  }
  const port = values.port ?? '4180'
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) {
    throw new RingfenceError('invalid_argument', '--port is a number from 0 to 65535')
  }
  return {
    once: values.once === true,
    help: values.help === true,
    stateDirectory: values.state ?? '.ringfence',
    port: Number(port),
  }
}
