import { networkInterfaces } from 'node:os'
import type { ConnectionSettings } from '../clusters/cluster.ts'
import type { Listen } from '../http/listen.ts'
import { portsOf } from './platform-telemetry.ts'
import type { PlatformManifest } from './platform-manifest.ts'

/**
 * Where a platform on this machine listens, as `address:port`: no tenant's upstream is there, whatever ranges
 * are allowed. Cells' servers are not among them: they are reached by sockets.
 */
export function ownListeners({
  manifest,
  database,
}: {
  readonly manifest: Pick<
    PlatformManifest,
    'listen' | 'telemetry' | 'gateway' | 'witness' | 'billing'
  >
  readonly database: Pick<ConnectionSettings, 'host' | 'port'>
}): readonly string[] {
  const places = [
    ...Object.values(manifest.listen),
    ...portsOf(manifest.telemetry, manifest.gateway.workers),
    ...(manifest.witness === undefined ? [] : [manifest.witness.listen]),
    ...portsOfListen(manifest.billing.stripe?.listen),
    ...portsOfListen(manifest.gateway.authorizers?.http),
    ...portsOfListen(manifest.gateway.authorizers?.grpc),
    ...(database.host.startsWith('/') ? [] : [database]),
  ]
  return places.flatMap(({ host, port }) => addressesOf(host).map((one) => `${one}:${port}`))
}

function portsOfListen(listen: Listen | undefined) {
  return listen !== undefined && 'port' in listen ? [listen] : []
}

/** Whoever listens everywhere is reached by each address of the machine. */
function addressesOf(host: string): readonly string[] {
  if (host === 'localhost') return [host, '127.0.0.1', '::1']
  if (host !== '0.0.0.0' && host !== '::') return [host]
  const own = Object.values(networkInterfaces()).flatMap((all) => all ?? [])
  return [host, ...own.map(({ address }) => address)]
}
