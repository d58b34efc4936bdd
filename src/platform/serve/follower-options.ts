import type { FollowerOptions } from '../../snapshot/snapshot-follower.ts'
import type { RingfenceError } from '../../core/errors.ts'
import type { OpenBell } from '../../revocation/bell.ts'
import type { NatsSettings } from '../../revocation/nats-settings.ts'
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

/**
 * How a plane follows what is revoked.
 * @param rings whether it tells the others, where there is a bell: the planes that revoke do
 */
export async function revocationOptions(
  spec: Pick<PlaneSpec<'gateway'>, 'database' | 'revocations'>,
  log: Log,
  rings = false,
): Promise<RevocationFollowerOptions> {
  const { directory, limitSeconds, nats } = spec.revocations
  return {
    ...(nats === undefined ? {} : { bell: await bellOf(nats) }),
    rings,
    directory,
    limitSeconds,
    database: await databaseSettings(spec.database),
    onTrouble: troubleTo(log, 'revocations'),
  }
}

/** Its client is loaded where there is one to be reached. */
async function bellOf(settings: NatsSettings): Promise<OpenBell> {
  const { natsBell } = await import('../../revocation/nats-bell.ts')
  return natsBell(settings)
}

function troubleTo(log: Log, event: string): (error: RingfenceError) => void {
  return ({ code, message, detail }) =>
    log(JSON.stringify({ level: 'warn', event, code, message, detail }))
}
