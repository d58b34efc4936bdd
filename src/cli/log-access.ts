import type { Command } from 'commander'
import { RingfenceError } from '../core/errors.ts'
import { STATE_DIRECTORY_DEFAULT } from './ending.ts'
import type { Console } from './console.ts'
import { recordsAccess } from './records-access.ts'
import {
  type TenantAccess,
  tenantAccess,
  tenantCommand,
  type TenantFlags,
} from './tenant-access.ts'

const TENANT_PATH = '/ringfence/audit'
const PLATFORM_PATH = '/v1/logs/platform'

export interface LogFlags extends TenantFlags {
  readonly platform?: boolean
  readonly records?: string
  readonly state: string
}

/** The flags of every command that reads a log: a tenant's own, or the platform's. */
export function logCommand(command: Command): Command {
  return tenantCommand(command)
    .option('--platform', 'the platform’s own log, as an operator with security:write')
    .option('--records <url>', 'with --platform: the records plane (RINGFENCE_RECORDS)')
    .option(
      '--state <directory>',
      'with --platform: the state directory of a platform here',
      STATE_DIRECTORY_DEFAULT,
    )
}

/**
 * What the log's addresses begin with, and who asks: through the tenant's front door, or at the records
 * plane for the platform's own.
 * @throws RingfenceError as `tenantAccess` and `recordsAccess`
 */
export async function logAccess(flags: LogFlags, console: Console): Promise<TenantAccess> {
  if (flags.platform !== true) {
    const { url, token } = tenantAccess(flags, console)
    return { url: url + TENANT_PATH, token }
  }
  const { server, token } = recordsAccess(flags, console)
  if (server.startsWith('unix:')) {
    throw new RingfenceError('invalid_url', 'the records plane is reached by http:// or https://')
  }
  return { url: server + PLATFORM_PATH, token: typeof token === 'string' ? token : await token() }
}
