import type { Command } from 'commander'
import type { Console } from '../console.ts'
import type { Ending } from '../ending.ts'

/** `ringfence envoy-config`: for an Envoy that asks a gateway about each request. */
export function addEnvoyConfig(program: Command, console: Console, _ending: Ending): void {
  program
    .command('envoy-config')
    .description('Write the configuration for an Envoy that asks a gateway about each request.')
    .requiredOption('--config <file>', 'the configuration file of a gateway on this machine')
    .requiredOption('--settings <file>', 'where Envoy listens, asks and finds its files, as JSON')
    .addHelpText(
      'after',
      `
It is made from the configuration that the gateway has in force, and goes to standard output. Make it
anew when services, upstreams or hosts have changed: see docs/external-authorization.md.

Example:
  ringfence envoy-config --config gateway.json --settings envoy-settings.json > envoy.json`,
    )
    .action(async ({ config, settings }: { config: string; settings: string }) => {
      const { envoyFrom } = await import('../../platform/proxy-from.ts')
      console.out(await envoyFrom(config, settings))
    })
}
