import type { Command } from 'commander'
import { RingfenceError } from '../core/errors.ts'
import { type Scope, SCOPES } from '../core/lease.ts'
import { SUPPORT_SECONDS_MIN } from '../core/support-terms.ts'
import { parseTenantId } from '../core/tenant.ts'
import type { BorrowFlags, BorrowRequest } from './borrow-lease.ts'
import { wholeNumber } from './control-command.ts'
import { STATE_DIRECTORY_DEFAULT } from './ending.ts'

const SECONDS_DEFAULT = 900

export interface LeaseFlags extends BorrowFlags {
  readonly support?: string
  readonly scope: string
  readonly seconds?: string
  readonly reason?: string
}

/** The flags of commands that get a tenant's credential for a person. */
export function leaseCommand(command: Command): Command {
  return command
    .option('--support <id>', 'with this support access; without it one is asked for first')
    .option('--reason <text>', 'why, for the record; the tenant reads it')
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

/**
 * With an access that is there, or with one that is asked for a tenant and a reason.
 * @throws RingfenceError `invalid_argument`
 */
export function readLeaseFlags(flags: LeaseFlags, tenant: string | undefined): BorrowRequest {
  const seconds = wholeNumber(flags.seconds, '--seconds') ?? SECONDS_DEFAULT
  const { support, reason } = flags
  if (support !== undefined) {
    if (reason !== undefined) {
      throw new RingfenceError('invalid_argument', '--support has a reason already')
    }
    return { support, seconds, tenant: tenant === undefined ? undefined : parseTenantId(tenant) }
  }
  if (tenant === undefined || reason === undefined) {
    const missing = tenant === undefined ? '--tenant and --reason' : '--reason'
    throw new RingfenceError('invalid_argument', `give ${missing}, or --support`)
  }
  if (seconds < SUPPORT_SECONDS_MIN) {
    throw new RingfenceError(
      'invalid_argument',
      `--seconds is at least ${SUPPORT_SECONDS_MIN} without --support`,
    )
  }
  return { tenant: parseTenantId(tenant), scope: readScope(flags.scope), seconds, reason }
}

/** @throws RingfenceError `invalid_argument` */
export function readScope(value: string): Scope {
  const scope = SCOPES.find((name) => name === value)
  if (scope !== undefined) return scope
  throw new RingfenceError('invalid_argument', `--scope is one of ${SCOPES.join(', ')}`)
}
