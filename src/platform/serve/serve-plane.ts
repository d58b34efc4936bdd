import { workerNumber } from '../../edge/worker.ts'
import { loadPlaneSpec, type Plane } from '../plane-config.ts'
import type { Log, Served } from './served.ts'

/**
 * Starts one plane from its configuration file.
 * @param workers processes of the gateway, in place of what its file says
 * @throws RingfenceError `invalid_manifest`, `port_taken`, `engine_unavailable`
 */
export function servePlane(
  plane: Plane,
  configPath: string,
  version: string,
  log: Log,
  workers?: number,
): Promise<Served> {
  return STARTERS[plane](configPath, version, log, workers)
}

/** Each loads its own plane and no other: they are processes of their own. */
const STARTERS: Readonly<
  Record<
    Plane,
    (configPath: string, version: string, log: Log, workers?: number) => Promise<Served>
  >
> = {
  control: async (path, version, log) => {
    const { serveControl } = await import('./serve-control.ts')
    return serveControl(loadPlaneSpec('control', path), version, log)
  },
  identity: async (path, _version, log) => {
    const { serveIdentity } = await import('./serve-identity.ts')
    return serveIdentity(loadPlaneSpec('identity', path), log)
  },
  vending: async (path, _version, log) => {
    const { serveVending } = await import('./serve-vending.ts')
    return serveVending(loadPlaneSpec('vending', path), log)
  },
  records: async (path, _version, log) => {
    const { serveRecords } = await import('./serve-records.ts')
    return serveRecords(loadPlaneSpec('records', path), log)
  },
  gateway: async (path, _version, log, workers) => {
    const spec = loadPlaneSpec('gateway', path)
    if (workerNumber() !== undefined) {
      const { serveGatewayWorker } = await import('./gateway-worker.ts')
      return serveGatewayWorker(spec, log)
    }
    const count = workers ?? spec.workers
    if (count > 1) {
      const { serveGatewayWorkers } = await import('./serve-gateway-workers.ts')
      return serveGatewayWorkers(spec, count, log)
    }
    const { serveGateway } = await import('./serve-gateway.ts')
    return serveGateway(spec, log)
  },
}
