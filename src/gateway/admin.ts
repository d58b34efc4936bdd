import { Hono } from 'hono'
import type { RevocationSource } from '../revocation/revocation.ts'
import type { ConfigurationSource } from '../snapshot/snapshot.ts'
import type { SigningKey } from '../tokens/signing-key.ts'

export const CONTEXT_JWKS_PATH = '/.well-known/ringfence/context-jwks'

/** For operators and services, on a listener of its own that tenants do not reach. */
export function gatewayAdmin(
  source: ConfigurationSource,
  contextKey: SigningKey,
  revocations: Pick<RevocationSource, 'known'>,
  isClosing: () => boolean = () => false,
): Hono {
  const app = new Hono()
  for (const path of ['/healthz', '/livez']) app.get(path, (c) => c.json({ status: 'ok' }))
  app.get('/readyz', (c) => {
    if (isClosing()) return c.json({ status: 'draining', why: 'it is about to end' }, 503)
    const why = notReady(source, contextKey.publicJwk.kid, revocations)
    return why === undefined ? c.json({ status: 'ready' }) : c.json({ status: 'waiting', why }, 503)
  })
  app.get(CONTEXT_JWKS_PATH, (c) =>
    c.json({ keys: [contextKey.publicJwk] }, 200, { 'cache-control': 'public, max-age=60' }),
  )
  return app
}

/** Why nobody can be served; undefined when somebody can. */
export function notReady(
  source: ConfigurationSource,
  kid: string,
  revocations: Pick<RevocationSource, 'known'>,
): string | undefined {
  if (!revocations.known) return 'it is not known what was revoked'
  try {
    const { contextKeys } = source.current().platform
    if (contextKeys.some((key) => key.kid === kid)) return undefined
    return 'the configuration does not name the key that signs contexts'
  } catch {
    return 'there is no configuration that is recent enough'
  }
}
