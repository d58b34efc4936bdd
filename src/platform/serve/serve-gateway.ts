import { LineBatch } from '../../gateway/line-batch.ts'
import { openGateway } from '../../gateway/open-gateway.ts'
import { RevocationFollower } from '../../revocation/revocation-follower.ts'
import { SnapshotFollower } from '../../snapshot/snapshot-follower.ts'
import { readOrMakeSigningKey } from '../../tokens/signing-key.ts'
import type { PlaneSpec } from '../plane-config.ts'
import { followerOptions, revocationOptions } from './follower-options.ts'
import type { Log, Served } from './served.ts'

/** The front door. It starts and serves with its last configuration, whoever else is down. */
export async function serveGateway(spec: PlaneSpec<'gateway'>, log: Log): Promise<Served> {
  const source = await SnapshotFollower.open(await followerOptions(spec, log))
  const lines = new LineBatch(log)
  let revocations: RevocationFollower | undefined
  const letGo = async () => {
    lines.close()
    await revocations?.close()
    await source.close()
  }
  try {
    revocations = await RevocationFollower.open(await revocationOptions(spec, log))
    const door = await openGateway({
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
