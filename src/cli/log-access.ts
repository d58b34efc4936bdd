import type { Command } from 'commander'
import type { Address } from '../http/call.ts'
import { STATE_DIRECTORY_DEFAULT } from './ending.ts'
import type { Console } from './console.ts'
import { getResponse } from './get-response.ts'
import { recordsAccess } from './records-access.ts'
import { tenantAccess, tenantCommand, type TenantFlags, tenantRefusal } from './tenant-access.ts'

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

/** A log as somebody reads it. The token is secret. */
export interface LogAccess {
  readonly server: Address
  /** What the log's paths begin with. */
  readonly base: string
  readonly headers: Readonly<Record<string, string>>
}

/**
 * Which log is meant, and who asks: through the tenant's front door, or at the records plane for the
 * platform's own.
 * @throws RingfenceError as `tenantAccess` and `recordsAccess`
 */
export async function logAccess(flags: LogFlags, console: Console): Promise<LogAccess> {
  if (flags.platform !== true) {
    const { url, token } = tenantAccess(flags, console)
    const { origin, pathname } = new URL(url)
    const base = (pathname === '/' ? '' : pathname) + TENANT_PATH
    return { server: origin, base, headers: { authorization: `Bearer ${token}` } }
  }
  const { server, token } = recordsAccess(flags, console)
  const shown = typeof token === 'string' ? token : await token()
  return { server, base: PLATFORM_PATH, headers: { authorization: `Bearer ${shown}` } }
}

/**
 * What is below the log's address.
 * @throws RingfenceError `engine_unavailable`; a refusal in the words of who refused
 */
export async function logGet(
  { server, base, headers }: LogAccess,
  path: string,
): Promise<Response> {
  const response = await getResponse(server, base + path, headers)
  if (response.ok) return response
  throw tenantRefusal(response.status, await response.text())
}
