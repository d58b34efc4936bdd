import type { FollowerOptions } from '../../snapshot/snapshot-follower.ts'
import type { RingfenceError } from '../../core/errors.ts'
import type { RevocationFollowerOptions } from '../../revocation/revocation-follower.ts'
import type { PlaneSpec } from '../plane-config.ts'
import { databaseSettings, type Log } from './served.ts'

/** How a plane follows the configuration that the control plane publishes. */
export async function followerOptions(
  spec: Pick<PlaneSpec<'gateway'>, 'database' | 'configuration'>,
  log: Log,
): Promise<FollowerOptions> {
  const { directory, keys, staleAfterSeconds } = spec.configuration
  return {
    directory,
    keys,
    staleAfterSeconds,
    database: await databaseSettings(spec.database),
    onTrouble: troubleTo(log, 'configuration'),
  }
}

/** How a plane follows what is revoked. */
export async function revocationOptions(
  spec: Pick<PlaneSpec<'gateway'>, 'database' | 'revocations'>,
  log: Log,
): Promise<RevocationFollowerOptions> {
  const { directory, limitSeconds } = spec.revocations
  return {
    directory,
    limitSeconds,
    database: await databaseSettings(spec.database),
    onTrouble: troubleTo(log, 'revocations'),
  }
}

function troubleTo(log: Log, event: string): (error: RingfenceError) => void {
  return ({ code, message, detail }) =>
    log(JSON.stringify({ level: 'warn', event, code, message, detail }))
}
