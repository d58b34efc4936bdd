import type { Command } from 'commander'
import { leaseSchema, revocationSchema } from '../../control/api/schemas.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { Console } from '../console.ts'
import {
  confirm,
  type ControlFlags,
  controlCommand,
  examples,
  openControl,
  pathOf,
} from '../control-command.ts'
import type { Ending } from '../ending.ts'
import { writeList, writeOne } from '../output.ts'

interface RevokeFlags extends ControlFlags {
  readonly workload?: string
  readonly yes?: boolean
}

/** `ringfence leases`: the ledger of credentials, and their end. */
export function addLeases(program: Command, console: Console, _ending: Ending): void {
  const leases = examples(
    program.command('leases').description('Credentials that were vended, and their end.'),
    'ringfence leases list acme',
    'ringfence leases revoke acme',
  )
  examples(
    controlCommand(
      leases
        .command('list <tenant>')
        .description('The ledger of its credentials, without the secrets.'),
    ),
    'ringfence leases list acme',
  ).action(async (tenant: string, flags: ControlFlags) => {
    const { client, format } = openControl(flags, console)
    const records = await client.list(pathOf('tenants', tenant, 'leases'), leaseSchema)
    const columns = ({ tenant: _tenant, ...record }: (typeof records)[number]) => record
    writeList(records, columns, format, console.out)
  })
  const revoke = leases
    .command('revoke [tenant] [lease]')
    .description('End one credential, all of a tenant, or all of a workload, with their sessions.')
    .option('--workload <client>', 'all that this workload holds, of every tenant')
    .option('--yes', 'do not ask')
  examples(
    controlCommand(revoke),
    'ringfence leases revoke acme lease-4711',
    'ringfence leases revoke acme --yes',
    'ringfence leases revoke --workload clinic-web --yes',
  ).action(async (tenant: string | undefined, lease: string | undefined, flags: RevokeFlags) => {
    const { client, format } = openControl(flags, console)
    const { path, word, what } = revoked(tenant, lease, flags.workload)
    if (lease === undefined) await confirm(console, flags, `This ends all of ${what} now.`, word)
    const ended = await client.change({ method: 'DELETE', path }, revocationSchema)
    const columns = () => ({
      'leases ended': ended.leases.length,
      'sessions ended': ended.sessions_ended,
    })
    writeOne(ended, columns, format, console.out)
  })
}

function revoked(
  tenant: string | undefined,
  lease: string | undefined,
  workload: string | undefined,
): { readonly path: string; readonly word: string; readonly what: string } {
  if (workload !== undefined && tenant === undefined) {
    const path = pathOf('workloads', workload, 'leases')
    return { path, word: workload, what: `workload ${workload}, of every tenant,` }
  }
  if (tenant === undefined || workload !== undefined) {
    throw new RingfenceError('invalid_argument', 'name a tenant, or --workload, and not both')
  }
  const steps = lease === undefined ? [] : [lease]
  return {
    path: pathOf('tenants', tenant, 'leases', ...steps),
    word: tenant,
    what: `tenant ${tenant}`,
  }
}
