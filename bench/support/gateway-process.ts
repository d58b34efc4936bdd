import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { JWK } from 'jose'
import { openGateway } from '../../src/gateway/open-gateway.ts'
import { SnapshotState } from '../../src/snapshot/state.ts'
import type { SnapshotRecord } from '../../src/snapshot/snapshot.ts'
import { SigningKey } from '../../src/tokens/signing-key.ts'

export type GatewayWork =
  | { readonly kind: 'upstream' }
  | { readonly kind: 'gateway'; readonly contextKey: JWK; readonly record: SnapshotRecord }

/** One of the two servers in a process of its own: it is told what to be, and says where it listens. */
process.once('message', (work: GatewayWork) => {
  void (work.kind === 'upstream' ? upstream() : gateway(work)).then((url) => process.send?.(url))
})

process.once('disconnect', () => process.exit())

async function upstream(): Promise<string> {
  const server = createServer((_, response) => response.end('ok'))
  server.keepAliveTimeout = 60_000
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function gateway({
  contextKey,
  record,
}: Extract<GatewayWork, { kind: 'gateway' }>): Promise<string> {
  const configuration = SnapshotState.first(record, '').view()
  const { url } = await openGateway({
    source: { current: () => configuration, onChange: () => undefined },
    contextKey: await SigningKey.fromJwk(contextKey),
    log: () => undefined,
    listen: { host: '127.0.0.1', port: 0 },
    admin: { host: '127.0.0.1', port: 0 },
  })
  return url
}
