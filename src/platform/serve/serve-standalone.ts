import { upstreamGuard } from '../../upstreams/upstream-guard.ts'
import { LineBatch } from '../../gateway/line-batch.ts'
import { openGateway } from '../../gateway/open-gateway.ts'
import type { Listen } from '../../http/listen.ts'
import { FileSource } from '../../manifests/file-source.ts'
import type { RevocationSource } from '../../revocation/revocation.ts'
import { readOrMakeSigningKey } from '../../tokens/signing-key.ts'
import { judgesOf } from './judges.ts'
import type { Log, Served } from './served.ts'

export interface StandaloneOptions {
  /** Manifests are in and below it. */
  readonly directory: string
  /** The audience of access tokens. */
  readonly audience: string
  readonly listen: Listen
  readonly admin: Listen
  /** Signs tenant contexts; made if it is not there. */
  readonly keyFile: string
  /** Ranges in which tenants' own upstreams may be besides the internet. */
  readonly upstreamRanges: readonly string[]
}

/**
 * Nothing is told here of what was revoked: a token is good for its whole life, of fifteen minutes at
 * most.
 */
const NOBODY_REVOKES: RevocationSource = {
  known: true,
  revokes: () => false,
  find: () => undefined,
  onNews: () => {},
}

/**
 * The gateway alone, from manifests in a directory.
 * @throws InvalidManifests when they are not good to begin with
 */
export async function serveStandalone(options: StandaloneOptions, log: Log): Promise<Served> {
  const contextKey = await readOrMakeSigningKey(options.keyFile, 'ES256')
  const source = await FileSource.open({
    directory: options.directory,
    audience: options.audience,
    contextKeys: [contextKey.publicJwk],
    ...judgesOf({ ranges: options.upstreamRanges }),
    onTrouble: (message) => log(JSON.stringify({ level: 'warn', event: 'configuration', message })),
  })
  source.onChange((changed, { version }) =>
    log(
      JSON.stringify({ level: 'info', event: 'configuration', version, changed: changed.length }),
    ),
  )
  const lines = new LineBatch(log)
  const letGo = async () => {
    lines.close()
    await source.close()
  }
  try {
    const door = await openGateway({
      source,
      revocations: NOBODY_REVOKES,
      contextKey,
      upstreamGuard: upstreamGuard({ ranges: options.upstreamRanges }),
      listen: options.listen,
      admin: options.admin,
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
