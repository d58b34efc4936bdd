import { type Command, Argument } from 'commander'
import { PLANES, type Plane } from '../../platform/plane-config.ts'
import { endWithSupervisor } from '../../supervisor/end-with-supervisor.ts'
import type { Console } from '../console.ts'
import type { Ending } from '../ending.ts'
import { TOOL_VERSION } from '../tool-version.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export function addServe(program: Command, console: Console, _ending: Ending): void {
  program
    .command('serve')
    .description('Run one plane of a platform in the foreground, from its configuration file.')
    .addArgument(new Argument('<plane>', 'which one').choices(PLANES))
    .requiredOption(
      '--config <file>',
      'the plane’s configuration; "ringfence up" writes one of each',
    )
    .addHelpText(
      'after',
      `
It says on standard output where it listens, one JSON line, and logs there. SIGTERM lets requests
under way end (10 seconds at most).

Examples:
  ringfence serve gateway --config /etc/ringfence/gateway.json
  ringfence serve control --config .ringfence/planes/control.json`,
    )
    .action(async (plane: Plane, flags: { config: string }) => {
      endWithSupervisor()
      const asked = new Promise<void>((resolve) => {
        for (const signal of SIGNALS) process.once(signal, () => resolve())
      })
      const log = (line: string) => console.out(`${line}\n`)
      // Loaded here: whoever asks for another command does not wait for the planes.
      const { servePlane } = await import('../../platform/serve/serve-plane.ts')
      const served = await servePlane(plane, flags.config, TOOL_VERSION, log)
      log(JSON.stringify({ level: 'info', event: 'listening', plane, url: served.url }))
      await asked
      await served.close()
    })
}
