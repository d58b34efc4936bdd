import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { messageOf, RingfenceError } from '../core/errors.ts'
import { envoyConfig } from '../external-authorization/envoy-config.ts'
import { parseEnvoySettings } from '../external-authorization/envoy-settings.ts'
import { nginxConfig } from '../external-authorization/nginx-config.ts'
import { parseSettings } from '../external-authorization/nginx-settings.ts'
import { SnapshotFile } from '../snapshot/snapshot-file.ts'
import type { Configuration } from '../snapshot/snapshot.ts'
import { KeySet } from '../tokens/verify-token.ts'
import { loadPlaneSpec, type PlaneSpec } from './plane-config.ts'

const LOG = 'snapshot.log'

/**
 * nginx's configuration, from what a gateway on this machine has in force.
 * @param gatewayFile the gateway's own configuration file
 * @param settingsFile JSON, as `NginxSettingsInput`
 * @throws RingfenceError `invalid_manifest`, `invalid_argument`, `snapshot_stale` when the gateway has none yet
 */
export async function nginxFrom(gatewayFile: string, settingsFile: string): Promise<string> {
  const settings = parseSettings(readJson(settingsFile))
  const { configuration } = loadPlaneSpec('gateway', gatewayFile)
  return nginxConfig(await onDisk(configuration), settings)
}

/** Envoy's configuration: as `nginxFrom`, with settings as `EnvoySettingsInput`. */
export async function envoyFrom(gatewayFile: string, settingsFile: string): Promise<string> {
  const settings = parseEnvoySettings(readJson(settingsFile))
  const { configuration } = loadPlaneSpec('gateway', gatewayFile)
  return envoyConfig(await onDisk(configuration), settings)
}

/** Verified as the gateway does it, on a copy: the gateway goes on to write the file itself. */
async function onDisk({
  directory,
  keys,
}: PlaneSpec<'gateway'>['configuration']): Promise<Configuration> {
  const copy = await mkdtemp(join(tmpdir(), 'rf-proxy-config-'))
  try {
    await copyFile(join(directory, LOG), join(copy, LOG))
    const { state, refusal } = await SnapshotFile.open(copy, new KeySet(keys))
    if (state !== undefined) return state.view()
    throw refusal ?? new Error('it is empty')
  } catch (error) {
    throw new RingfenceError('snapshot_stale', `no configuration in force: ${messageOf(error)}`)
  } finally {
    await rm(copy, { recursive: true, force: true })
  }
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new RingfenceError('invalid_argument', `${path}: ${messageOf(error)}`)
  }
}
