import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { remoteBoundary } from '../cells/remote-boundary.ts'
import { RingfenceError } from '../core/errors.ts'
import type { Finding } from '../core/finding.ts'
import { loadPlaneSpec } from './plane-config.ts'

/**
 * What widens the boundary on any cell of the platform that runs on a state directory.
 * @throws RingfenceError `engine_unavailable` when none runs there, or a cell does not answer
 */
export async function inspectPlatform(stateDirectory: string): Promise<readonly Finding[]> {
  const config = join(stateDirectory, 'planes', 'control.json')
  if (!existsSync(config)) {
    throw new RingfenceError(
      'engine_unavailable',
      `no platform runs on ${stateDirectory}; start one with "ringfence up", or name another with --state`,
    )
  }
  const { cells } = loadPlaneSpec('control', config)
  const findings = await Promise.all(
    cells.map((cell) => remoteBoundary(cell.keeper, cell.engine, cell.tiers).inspect()),
  )
  return findings.flat()
}
