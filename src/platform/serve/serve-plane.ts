import { workerNumber } from '../../edge/worker.ts'
import { loadPlaneSpec, type Plane } from '../plane-config.ts'
import { measured } from './measured.ts'
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
    const spec = loadPlaneSpec('control', path)
    const options = { plane: 'control', version, settings: spec.telemetry }
    return measured(options, log, (measures) => serveControl(spec, version, measures))
  },
  identity: async (path, version, log) => {
    const { serveIdentity } = await import('./serve-identity.ts')
    const spec = loadPlaneSpec('identity', path)
    const options = { plane: 'identity', version, settings: spec.telemetry }
    return measured(options, log, (measures) => serveIdentity(spec, measures))
  },
  vending: async (path, version, log) => {
    const { serveVending } = await import('./serve-vending.ts')
    const spec = loadPlaneSpec('vending', path)
    const options = { plane: 'vending', version, settings: spec.telemetry }
    return measured(options, log, (measures) => serveVending(spec, measures))
  },
  records: async (path, version, log) => {
    const { serveRecords } = await import('./serve-records.ts')
    const spec = loadPlaneSpec('records', path)
    const options = { plane: 'records', version, settings: spec.telemetry }
    return measured(options, log, (measures) => serveRecords(spec, version, measures))
  },
  gateway: async (path, version, log, workers) => {
    const spec = loadPlaneSpec('gateway', path)
    if (workerNumber() !== undefined) {
      const { serveGatewayWorker } = await import('./gateway-worker.ts')
      return serveGatewayWorker(spec, version, log)
    }
    const count = workers ?? spec.workers
    if (count > 1) {
      const { serveGatewayWorkers } = await import('./serve-gateway-workers.ts')
      return serveGatewayWorkers(spec, count, log)
    }
    const { serveGateway } = await import('./serve-gateway.ts')
    const options = { plane: 'gateway', version, settings: spec.telemetry }
    return measured(options, log, (measures) => serveGateway(spec, measures))
  },
}
