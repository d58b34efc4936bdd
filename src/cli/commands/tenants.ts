import type { Command } from 'commander'
import { resolve } from 'node:path'
import { z } from 'zod'
import { parseTenantId } from '../../core/tenant.ts'
import type { Console } from '../console.ts'
import { askPlatform } from '../operator-client.ts'
import { parseFormat, writeRows } from '../output.ts'
import { type Ending, STATE_DIRECTORY_DEFAULT } from '../ending.ts'

const rows = z.array(z.record(z.string(), z.unknown()))
const leaseAnswer = z.object({
  lease_id: z.string(),
  lease_duration: z.number(),
  scope: z.string(),
  credential: z.object({
    host: z.string(),
    port: z.number(),
    database: z.string(),
    user: z.string(),
    password: z.string(),
  }),
})

interface Flags {
  state: string
  output: string
}

/** Commands that ask a running platform about its tenants. */
export function addTenants(program: Command, console: Console, _ending: Ending): void {
  const tenants = program.command('tenants').description('Tenants of the platform that runs here.')
  withFlags(tenants.command('list').description('All tenants and where they are placed.')).action(
    async (flags: Flags) => {
      const answer = rows.parse(await askPlatform(flags.state, 'GET', '/v1/tenants'))
      writeRows(answer, parseFormat(flags.output), console.out)
    },
  )
  withFlags(
    tenants
      .command('leases <tenant>')
      .description('The ledger of the tenant’s credentials, without the secrets.'),
  ).action(async (tenant: string, flags: Flags) => {
    const answer = rows.parse(await askPlatform(flags.state, 'GET', path(tenant, 'leases')))
    writeRows(answer, parseFormat(flags.output), console.out)
  })
  withFlags(
    tenants
      .command('revoke <tenant>')
      .description('End all of the tenant’s credentials and their sessions now.'),
  ).action(async (tenant: string, flags: Flags) => {
    const answer = await askPlatform(flags.state, 'DELETE', path(tenant, 'leases'))
    console.out(`${JSON.stringify(answer)}\n`)
  })
  withFlags(
    tenants
      .command('export <tenant> <directory>')
      .description('Write everything that the tenant owns into a new directory, with hashes.'),
  ).action(async (tenant: string, directory: string, flags: Flags) => {
    const body = { directory: resolve(directory) }
    const answer = await askPlatform(flags.state, 'POST', path(tenant, 'export'), body)
    console.out(`${JSON.stringify(answer, null, 2)}\n`)
  })
  addLease(program, console)
}

function addLease(program: Command, console: Console): void {
  program
    .command('lease <tenant>')
    .description('A short-lived credential that reaches this tenant only.')
    .option('--scope <scope>', 'read or write', 'read')
    .option('-o, --output <format>', 'env (libpq variables), url or json', 'env')
    .option('--state <directory>', 'the platform’s state directory', STATE_DIRECTORY_DEFAULT)
    .addHelpText(
      'after',
      `\nExample:\n  env $(ringfence lease harbor-clinic) psql -c 'select count(*) from clinic.patient'`,
    )
    .action(async (tenant: string, flags: Flags & { scope: string }) => {
      const answer = await askPlatform(flags.state, 'POST', path(tenant, 'leases'), {
        scope: flags.scope,
      })
      const lease = leaseAnswer.parse(answer)
      const { host, port, database, user, password } = lease.credential
      if (flags.output === 'json') console.out(`${JSON.stringify(lease, null, 2)}\n`)
      else if (flags.output === 'url') {
        console.out(
          `postgres://${user}:${password}@/${database}?host=${encodeURIComponent(host)}&port=${port}\n`,
        )
      } else {
        console.out(
          `PGHOST=${host}\nPGPORT=${port}\nPGDATABASE=${database}\nPGUSER=${user}\nPGPASSWORD=${password}\n`,
        )
      }
    })
  program
    .command('token <tenant>')
    .description('A tenant context, as the gateway would sign it, for trying an application.')
    .option('--seconds <n>', 'how long it is good for', '900')
    .option('--state <directory>', 'the platform’s state directory', STATE_DIRECTORY_DEFAULT)
    .action(async (tenant: string, flags: { seconds: string; state: string }) => {
      const answer = await askPlatform(flags.state, 'POST', path(tenant, 'context'), {
        seconds: Number(flags.seconds),
      })
      console.out(`${z.object({ token: z.string() }).parse(answer).token}\n`)
    })
}

function path(tenant: string, what: string): string {
  return `/v1/tenants/${parseTenantId(tenant)}/${what}`
}

function withFlags(command: Command): Command {
  return command
    .option('-o, --output <format>', 'table, json or yaml', 'table')
    .option('--state <directory>', 'the platform’s state directory', STATE_DIRECTORY_DEFAULT)
}
