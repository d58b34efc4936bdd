import cluster from 'node:cluster'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isReplacement, tellReady, workerNumber } from '../../edge/worker.ts'
import type { TelemetrySettings } from '../../telemetry/telemetry-settings.ts'
import type { PlaneSpec } from '../plane-config.ts'
import { measured } from './measured.ts'
import type { Log, Served } from './served.ts'
import { serveGateway } from './serve-gateway.ts'
import { askedProofs } from './shared-proofs.ts'

/** For one that takes another's place to come to serve. Milliseconds. */
const READY_MS = 30_000

/** The front door as one of several processes: what it keeps on disk is its own. */
export async function serveGatewayWorker(
  spec: PlaneSpec<'gateway'>,
  version: string,
  log: Log,
): Promise<Served> {
  const number = workerNumber() ?? 0
  const worker = `worker-${number}`
  const own = await ownSpec(spec, worker)
  const readyMs = isReplacement() ? { readyMs: READY_MS } : {}
  const settings = spec.telemetry && ownListener(spec.telemetry, number)
  const served = await measured({ plane: 'gateway', version, settings, worker }, log, (measures) =>
    serveGateway(own, measures, { proofs: askedProofs, ...readyMs }),
  )
  tellReady(served.url)
  return {
    url: served.url,
    event: 'worker-listening',
    async close() {
      await served.close()
      cluster.worker?.disconnect()
    },
  }
}

async function ownSpec(spec: PlaneSpec<'gateway'>, name: string): Promise<PlaneSpec<'gateway'>> {
  const { configuration, revocations, admin, journalDirectory, records, requestLog } = spec
  const { authorizers } = spec
  const socket = 'socket' in admin ? `${admin.socket}.${name}` : undefined
  // Whoever had the number before has ended.
  if (socket !== undefined) await rm(socket, { force: true })
  return {
    ...spec,
    configuration: { ...configuration, directory: join(configuration.directory, name) },
    revocations: { ...revocations, directory: join(revocations.directory, name) },
    ...(journalDirectory === undefined ? {} : { journalDirectory: join(journalDirectory, name) }),
    ...(requestLog === undefined
      ? {}
      : { requestLog: { ...requestLog, directory: join(requestLog.directory, name) } }),
    // The first process reads them, once for all.
    ...(authorizers === undefined ? {} : { authorizers: { ...authorizers, accessLogs: [] } }),
    ...(records === undefined
      ? {}
      : { records: { ...records, source: `${records.source}-${name}` } }),
    admin: socket === undefined ? { host: '127.0.0.1', port: 0 } : { socket },
  }
}

/** A port, or a socket, for each: a scraper of one that all share would be told of any of them. */
function ownListener(settings: TelemetrySettings, number: number): TelemetrySettings {
  const { prometheus } = settings
  if (prometheus === undefined) return settings
  const { listen } = prometheus
  const own =
    'socket' in listen
      ? { socket: `${listen.socket}.worker-${number}` }
      : { ...listen, port: listen.port === 0 ? 0 : listen.port + number }
  return { ...settings, prometheus: { ...prometheus, listen: own } }
}
