import { openTls, type OpenTls } from '../../edge/open-tls.ts'
import { LineBatch } from '../../gateway/line-batch.ts'
import { openGateway, type OpenGatewayOptions } from '../../gateway/open-gateway.ts'
import { RevocationFollower } from '../../revocation/revocation-follower.ts'
import { SnapshotFollower } from '../../snapshot/snapshot-follower.ts'
import { readOrMakeSigningKey } from '../../tokens/signing-key.ts'
import type { PlaneSpec } from '../plane-config.ts'
import { followerOptions, revocationOptions } from './follower-options.ts'
import type { Log, Served } from './served.ts'

/** The front door. It starts and serves with its last configuration, whoever else is down. */
export async function serveGateway(
  spec: PlaneSpec<'gateway'>,
  log: Log,
  more: Pick<OpenGatewayOptions, 'proofs' | 'readyMs'> = {},
): Promise<Served> {
  const source = await SnapshotFollower.open(await followerOptions(spec, log))
  const lines = new LineBatch(log)
  let revocations: RevocationFollower | undefined
  let tls: OpenTls | undefined
  const letGo = async () => {
    await tls?.close()
    lines.close()
    await revocations?.close()
    await source.close()
  }
  try {
    revocations = await RevocationFollower.open(await revocationOptions(spec, log))
    if (spec.tls !== undefined) {
      tls = await openTls(spec.tls, source, (event) =>
        log(JSON.stringify({ level: 'info', ...event })),
      )
    }
    const door = await openGateway({
      ...more,
      ...(tls === undefined ? {} : { certificates: tls.certificates }),
      ...(spec.trustedProxies === undefined ? {} : { trustedProxies: spec.trustedProxies }),
      source,
      revocations,
      publicProtocol: spec.publicProtocol,
      contextKey: await readOrMakeSigningKey(spec.contextKey, 'ES256'),
      listen: spec.listen,
      admin: spec.admin,
      log: (line) => lines.add(line),
    })
    return {
      url: door.url,
      async close() {
        await door.close()
        await letGo()
      },
    }
  } catch (error) {
    await letGo()
    throw error
  }
}
