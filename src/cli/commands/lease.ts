import type { Command } from 'commander'
import { RingfenceError } from '../../core/errors.ts'
import { parseTenantId } from '../../core/tenant.ts'
import { borrowLease } from '../borrow-lease.ts'
import type { Console } from '../console.ts'
import { examples } from '../control-command.ts'
import type { Ending } from '../ending.ts'
import { type LeaseFlags, leaseCommand, readLeaseFlags } from '../lease-flags.ts'
import { writeLibpqFiles } from '../libpq-files.ts'

const FORMATS = ['env', 'url', 'json', 'service'] as const

interface Flags extends LeaseFlags {
  readonly output: string
  readonly directory?: string
}

/** A tenant's credential for a person, printed or written where libpq looks. */
export function addLease(program: Command, console: Console, _ending: Ending): void {
  const lease = program
    .command('lease <tenant>')
    .description('A short-lived credential that reaches this tenant only, with support access.')
    .option('-o, --output <format>', `${FORMATS.join(', ')} (service: files for libpq)`, 'env')
    .option('--directory <directory>', 'with -o service: where the two files go')
  examples(
    leaseCommand(lease),
    `env $(ringfence lease acme --reason "ticket 4711") psql -c 'select 1'`,
    'ringfence lease acme --support support-4711 -o json',
    'ringfence lease acme --reason "ticket 4711" -o service --directory ~/.ringfence/acme',
  ).action(async (name: string, flags: Flags) => {
    parseTenantId(name)
    const format = FORMATS.find((one) => one === flags.output)
    if (format === undefined) {
      throw new RingfenceError('invalid_argument', `-o is one of ${FORMATS.join(', ')}`)
    }
    if ((format === 'service') !== (flags.directory !== undefined)) {
      throw new RingfenceError('invalid_argument', '-o service and --directory go together')
    }
    const request = readLeaseFlags(flags, name)
    const { lease_id, tenant, scope, expires_at, credential } = await borrowLease(
      request,
      flags,
      console,
    )
    const { host, port, database, user, password } = credential
    if (format === 'json') {
      const text = { lease_id, expires_at, scope, credential }
      console.out(`${JSON.stringify(text, null, 2)}\n`)
    } else if (format === 'url') {
      const where = `host=${encodeURIComponent(host)}&port=${port}`
      console.out(`postgres://${user}:${password}@/${database}?${where}\n`)
    } else if (format === 'env') {
      console.out(
        `PGHOST=${host}\nPGPORT=${port}\nPGDATABASE=${database}\nPGUSER=${user}\nPGPASSWORD=${password}\n`,
      )
    } else {
      const { serviceFile } = await writeLibpqFiles(flags.directory ?? '', tenant, credential)
      console.out(`PGSERVICEFILE=${serviceFile} psql service=${tenant}\n`)
    }
  })
}
