import { type Command, Argument } from 'commander'
import { PLANES, type Plane } from '../../platform/plane-config.ts'
import type { Served } from '../../platform/serve/served.ts'
import { untilAsked } from '../../platform/serve/until-asked.ts'
import { endWithSupervisor } from '../../supervisor/end-with-supervisor.ts'
import type { Console } from '../console.ts'
import { several } from '../control-command.ts'
import type { Ending } from '../ending.ts'
import { type ServeFlags, starterOf } from '../serve-flags.ts'

export function addServe(program: Command, console: Console, _ending: Ending): void {
  program
    .command('serve')
    .description(
      'Run one plane of a platform in the foreground, or the gateway alone from manifests.',
    )
    .addArgument(new Argument('<plane>', 'which one').choices(PLANES))
    .option('--config <file>', 'the plane’s configuration; "ringfence up" writes one of each')
    .option('--from <directory>', 'the gateway alone, from manifests, without a control plane')
    .option('--audience <url>', 'with --from: the audience of access tokens')
    .option('--listen <host:port>', 'with --from: where it listens', '127.0.0.1:4180')
    .option('--admin <host:port>', 'with --from: health and keys, for operators', '127.0.0.1:4190')
    .option('--key <file>', 'with --from: signs tenant contexts; made if it is not there')
    .option(
      '--allow-upstreams <range>',
      'with --from: addresses that tenants’ own upstreams may have besides',
      several,
    )
    .option('--workers <n>', 'processes of the gateway, in place of what its configuration says')
    .addHelpText(
      'after',
      `
It says on standard output where it listens, one JSON line, and logs there. SIGTERM lets requests
under way end (10 seconds at most). A gateway with workers replaces them one by one on SIGHUP.

Examples:
  ringfence serve gateway --config /etc/ringfence/gateway.json
  ringfence serve gateway --from manifests/ --audience https://api.clinic.example --key gateway.key
  ringfence serve control --config .ringfence/planes/control.json`,
    )
    .action(async (plane: Plane, flags: ServeFlags) => {
      const start = starterOf(plane, flags)
      endWithSupervisor()
      let served: Served | undefined
      const asked = untilAsked(() => served?.reload)
      const log = (line: string) => console.out(`${line}\n`)
      served = await start(log)
      const { url, event = 'listening' } = served
      log(JSON.stringify({ level: 'info', event, plane, url }))
      await asked
      await served.close()
    })
}
