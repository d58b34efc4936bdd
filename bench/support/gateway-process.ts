import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { JWK } from 'jose'
import type { GatewayOptions } from '../../src/gateway/gateway.ts'
import { openGateway } from '../../src/gateway/open-gateway.ts'
import { tuneProcess } from '../../src/gateway/tune-process.ts'
import { MemoryRevocations } from '../../src/revocation/memory-revocations.test-support.ts'
import { SnapshotState } from '../../src/snapshot/state.ts'
import { SnapshotFollower } from '../../src/snapshot/snapshot-follower.ts'
import type { ConfigurationSource, SnapshotRecord } from '../../src/snapshot/snapshot.ts'
import { SigningKey } from '../../src/tokens/signing-key.ts'
import type { Following } from './platform.ts'

export type GatewayWork =
  | { readonly kind: 'upstream' }
  | {
      readonly kind: 'gateway'
      readonly contextKey: JWK
      readonly record: SnapshotRecord
      /** Without any check. */
      readonly bare?: boolean
    }
  | { readonly kind: 'following'; readonly contextKey: JWK; readonly following: Following }

/** A server in a process of its own: it is told what to be, and says where it listens. */
process.once('message', (work: GatewayWork) => {
  void serverOf(work).then((url) => process.send?.(url))
})

process.once('disconnect', () => process.exit())

async function serverOf(work: GatewayWork): Promise<string> {
  if (work.kind === 'upstream') return upstream()
  if (work.kind === 'gateway') {
    return gateway(
      work.contextKey,
      fixed(work.record),
      work.bare === true ? { checks: [] } : { limits: PATIENT },
    )
  }
  const follower = await SnapshotFollower.open(work.following)
  await follower.ready()
  return gateway(work.contextKey, follower)
}

/** A bench asks for all that there is: whoever waits is to be served, however busy the machine is. */
const PATIENT = { queueMs: 30_000 }

async function upstream(): Promise<string> {
  const server = createServer((_, response) => response.end('ok'))
  server.keepAliveTimeout = 60_000
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function fixed(record: SnapshotRecord): ConfigurationSource {
  const configuration = SnapshotState.first(record, '').view()
  return { current: () => configuration, onChange: () => undefined }
}

async function gateway(
  contextKey: JWK,
  source: ConfigurationSource,
  options: Partial<GatewayOptions> = {},
): Promise<string> {
  tuneProcess()
  const { url } = await openGateway({
    source,
    revocations: new MemoryRevocations(),
    contextKey: await SigningKey.fromJwk(contextKey),
    log: () => undefined,
    ...options,
    listen: { host: '127.0.0.1', port: 0 },
    admin: { host: '127.0.0.1', port: 0 },
  })
  return url
}
