import type { FollowerOptions } from '../../snapshot/snapshot-follower.ts'
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
    onTrouble: (error) =>
      log(
        JSON.stringify({
          level: 'warn',
          event: 'configuration',
          code: error.code,
          message: error.message,
          detail: error.detail,
        }),
      ),
  }
}
