import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { JWK } from 'jose'
import { GATEWAY_CHECKS } from '../../src/gateway/checks.ts'
import { openGateway } from '../../src/gateway/open-gateway.ts'
import { MemoryRevocations } from '../../src/revocation/memory-revocations.test-support.ts'
import type { SnapshotRecord } from '../../src/snapshot/snapshot.ts'
import { SnapshotState } from '../../src/snapshot/state.ts'
import { SigningKey } from '../../src/tokens/signing-key.ts'
import { seeded } from './random.ts'

export type NeighbourWork =
  | {
      readonly kind: 'upstream'
      /** What it does at once. All else queues, in the order in which it came. */
      readonly slots: number
      readonly serviceMs: number
    }
  | {
      readonly kind: 'gateway'
      readonly contextKey: JWK
      readonly record: SnapshotRecord
      /** Checks that are left out. */
      readonly without: readonly string[]
    }

/** An upstream of limited capacity, or a gateway before it: each has a process of its own. */
process.once('message', (work: NeighbourWork) => {
  void (work.kind === 'upstream' ? upstream(work) : gateway(work)).then((url) =>
    process.send?.(url),
  )
})
process.once('disconnect', () => process.exit())

async function upstream({
  slots,
  serviceMs,
}: Extract<NeighbourWork, { kind: 'upstream' }>): Promise<string> {
  const random = seeded(11)
  const waiting: ServerResponse[] = []
  let busy = 0
  const begin = () => {
    while (busy < slots) {
      const response = waiting.shift()
      if (response === undefined) return
      busy += 1
      // A quarter more or less: requests are not all alike.
      setTimeout(
        () => {
          busy -= 1
          response.end('ok')
          begin()
        },
        serviceMs * (0.75 + random() / 2),
      )
    }
  }
  const server = createServer((_, response) => {
    waiting.push(response)
    begin()
  })
  server.keepAliveTimeout = 60_000
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function gateway({
  contextKey,
  record,
  without,
}: Extract<NeighbourWork, { kind: 'gateway' }>): Promise<string> {
  const configuration = SnapshotState.first(record, '').view()
  const { url } = await openGateway({
    source: { current: () => configuration, onChange: () => undefined },
    revocations: new MemoryRevocations(),
    contextKey: await SigningKey.fromJwk(contextKey),
    checks: GATEWAY_CHECKS.filter(({ name }) => !without.includes(name)),
    log: () => undefined,
    listen: { host: '127.0.0.1', port: 0 },
    admin: { host: '127.0.0.1', port: 0 },
  })
  return url
}
