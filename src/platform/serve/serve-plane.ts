import { loadPlaneSpec, type Plane } from '../plane-config.ts'
import { serveControl } from './serve-control.ts'
import { serveGateway } from './serve-gateway.ts'
import { serveIdentity } from './serve-identity.ts'
import { serveVending } from './serve-vending.ts'
import type { Log, Served } from './served.ts'

/**
 * Starts one plane from its configuration file.
 * @throws RingfenceError `invalid_manifest`, `port_taken`, `engine_unavailable`
 */
export function servePlane(
  plane: Plane,
  configPath: string,
  version: string,
  log: Log,
): Promise<Served> {
  return STARTERS[plane](configPath, version, log)
}

const STARTERS: Readonly<
  Record<Plane, (configPath: string, version: string, log: Log) => Promise<Served>>
> = {
  control: (path, version, log) => serveControl(loadPlaneSpec('control', path), version, log),
  identity: (path, _version, log) => serveIdentity(loadPlaneSpec('identity', path), log),
  vending: (path, _version, log) => serveVending(loadPlaneSpec('vending', path), log),
  gateway: (path, _version, log) => serveGateway(loadPlaneSpec('gateway', path), log),
}
