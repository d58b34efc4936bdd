import type { Command } from 'commander'
import { operatorToken, Platform } from '../../platform/platform.ts'
import { OPERATOR_TOKEN_FILE } from '../../platform/state-files.ts'
import { loadPlatform } from '../../platform/platform-manifest.ts'
import { platformLog } from '../../platform/platform-log.ts'
import { runUntilSignal } from '../../supervisor/run-until-signal.ts'
import type { Console } from '../console.ts'
import { localAccess } from '../control-access.ts'
import { ControlClient } from '../control-client.ts'
import { placeTenant } from '../place-tenants.ts'
import { type Ending, STATE_DIRECTORY_DEFAULT } from '../ending.ts'

export function addUp(program: Command, console: Console, _ending: Ending): void {
  program
    .command('up')
    .description(
      'Start a platform (control database, cells, the five planes, the application) and keep it running.',
    )
    .requiredOption('-f, --file <manifest>', 'the platform’s manifest')
    .option('--state <directory>', 'where the platform keeps its files', STATE_DIRECTORY_DEFAULT)
    .option('-q, --quiet', 'leave out the log lines of the parts')
    .addHelpText(
      'after',
      `
Stop it with Ctrl-C: parts end in the reverse order of their start. A second Ctrl-C ends all at once.

Example:
  ringfence up -f examples/clinic/platform.yaml`,
    )
    .action(async (flags: { file: string; state: string; quiet?: boolean }) => {
      const manifest = loadPlatform(flags.file)
      const platform = new Platform({
        manifest,
        stateDirectory: flags.state,
        environment: console.environment,
        onEvent: platformLog({
          manifest,
          write: console.err,
          isTty: console.isTty,
          environment: console.environment,
          quiet: flags.quiet === true,
        }),
      })
      const known = await operatorToken(flags.state)
      await runUntilSignal(platform, async (signal) => {
        const token = await operatorToken(flags.state)
        if (known === undefined && token !== undefined) {
          console.out(
            `operator token ${token} (shown this once; ${OPERATOR_TOKEN_FILE} keeps it)\n`,
          )
        }
        const client = new ControlClient(localAccess(flags.state))
        for (const tenant of manifest.tenants) {
          if (signal.aborted) return
          const { id, tier, cell, status } = await placeTenant(client, tenant, signal)
          console.out(`tenant ${id}: ${tier} in ${cell ?? 'no cell yet'}, ${status}\n`)
        }
        console.out(`gateway ${platform.gatewayUrl}\ncontrol ${platform.controlUrl}\n`)
        console.out('ready\n')
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
      })
    })
}
