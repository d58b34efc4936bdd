import type { Command } from 'commander'
import { RingfenceError } from '../core/errors.ts'
import { type Scope, SCOPES } from '../core/lease.ts'
import type { BorrowFlags, BorrowRequest } from './borrow-lease.ts'
import { wholeNumber } from './control-command.ts'
import { STATE_DIRECTORY_DEFAULT } from './ending.ts'

const SECONDS_DEFAULT = 900

export interface LeaseFlags extends BorrowFlags {
  readonly scope: string
  readonly seconds?: string
  readonly reason: string
}

/** The flags of commands that get a tenant's credential for a person. */
export function leaseCommand(command: Command): Command {
  return command
    .requiredOption('--reason <text>', 'why, for the record')
    .option('--scope <scope>', SCOPES.join(' or '), 'read')
    .option('--seconds <n>', `how long it is good for (${SECONDS_DEFAULT})`)
    .option('--server <url>', 'the control plane (RINGFENCE_SERVER)')
    .option('--token <token>', 'an operator’s token, better env:NAME (RINGFENCE_TOKEN)')
    .option('--vending <address>', 'where vending is: unix:/path or a URL')
    .option('--workload-key <file>', 'the operators’ workload key, a private JWK')
    .option(
      '--state <directory>',
      'the state directory of a platform here',
      STATE_DIRECTORY_DEFAULT,
    )
}

/** @throws RingfenceError `invalid_argument` */
export function readLeaseFlags(
  flags: LeaseFlags,
): Pick<BorrowRequest, 'scope' | 'seconds' | 'reason'> {
  const scope: Scope | undefined = SCOPES.find((name) => name === flags.scope)
  if (scope === undefined) {
    throw new RingfenceError('invalid_argument', `--scope is one of ${SCOPES.join(', ')}`)
  }
  const seconds = wholeNumber(flags.seconds, '--seconds') ?? SECONDS_DEFAULT
  return { scope, seconds, reason: flags.reason }
}
