import { openAuthorizer } from '../../src/external-authorization/authorizer.ts'
import { openGateway } from '../../src/gateway/open-gateway.ts'
import type { JWK } from 'jose'
import { MemoryRevocations } from '../../src/revocation/memory-revocations.test-support.ts'
import { SnapshotState } from '../../src/snapshot/state.ts'
import type { SnapshotRecord } from '../../src/snapshot/snapshot.ts'
import { SigningKey } from '../../src/tokens/signing-key.ts'

export interface AuthorizerWork {
  readonly contextKey: JWK
  readonly record: SnapshotRecord
  readonly socket: string
  readonly secret: string
}

/** A gateway and the authorizer beside it, in a process of their own. It says where the gateway listens. */
process.once('message', (work: AuthorizerWork) => {
  void serve(work).then((url) => process.send?.(url))
})

process.once('disconnect', () => process.exit())

async function serve({ contextKey, record, socket, secret }: AuthorizerWork): Promise<string> {
  const configuration = SnapshotState.first(record, '').view()
  const { url, decide } = await openGateway({
    source: { current: () => configuration, onChange: () => undefined },
    revocations: new MemoryRevocations(),
    contextKey: await SigningKey.fromJwk(contextKey),
    log: () => undefined,
    // A bench asks for all that there is: whoever waits is to be served.
    limits: { queueMs: 30_000 },
    listen: { host: '127.0.0.1', port: 0 },
    admin: { host: '127.0.0.1', port: 0 },
  })
  await openAuthorizer({ decide, listen: { socket }, secret, remembered: true })
  return url
}
