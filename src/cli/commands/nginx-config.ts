import type { Command } from 'commander'
import type { Console } from '../console.ts'
import type { Ending } from '../ending.ts'

/** `ringfence nginx-config`: for an nginx that asks a gateway about each request. */
export function addNginxConfig(program: Command, console: Console, _ending: Ending): void {
  program
    .command('nginx-config')
    .description('Write the configuration for an nginx that asks a gateway about each request.')
    .requiredOption('--config <file>', 'the configuration file of a gateway on this machine')
    .requiredOption('--settings <file>', 'where nginx listens, asks and keeps its files, as JSON')
    .addHelpText(
      'after',
      `
It is made from the configuration that the gateway has in force, and goes to standard output. Make it
anew when services, upstreams or hosts have changed: see docs/external-authorization.md.

Example:
  ringfence nginx-config --config gateway.json --settings nginx.json > nginx.conf`,
    )
    .action(async ({ config, settings }: { config: string; settings: string }) => {
      const { nginxFrom } = await import('../../platform/proxy-from.ts')
      console.out(await nginxFrom(config, settings))
    })
}
