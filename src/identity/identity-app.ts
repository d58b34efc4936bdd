import { Hono, type Context } from 'hono'
import { etag } from 'hono/etag'
import { messageOf, RingfenceError } from '../core/errors.ts'
import { parseTenantId, type TenantId } from '../core/tenant.ts'
import { problemResponse } from '../http/problem.ts'
import { realmMetadata } from './metadata.ts'
import { OAuthError, oauthErrorResponse } from './oauth-error.ts'
import { JWKS_SECONDS } from './realm-keys.ts'
import { type Issuing, tokenEndpoint } from './token-endpoint.ts'

const CACHED = { 'cache-control': `public, max-age=${JWKS_SECONDS}` } as const

/** No tenant can have it: an unknown realm is looked up as this one is, and is not there either. */
const NO_REALM = '' as TenantId

/**
 * What realms show to the world: their documents, their keys and their token endpoint. A realm that
 * there is not looks like any path that there is not; at its token endpoint, like a wrong secret.
 */
export function identityApp(issuing: Issuing, log: (line: string) => void): Hono {
  const app = new Hono()
  const metadata = async (context: Context) => {
    const issuer = await issuing.store.issuer(tenantOf(context))
    return issuer === undefined ? notFound() : context.json(realmMetadata(issuer), 200, CACHED)
  }
  app.get('/healthz', (context) => context.json({ status: 'ok' }))
  app.get('/realms/:tenant/.well-known/openid-configuration', etag(), metadata)
  // RFC 8414, section 3.1: the well-known part goes before the issuer's path.
  app.get('/.well-known/oauth-authorization-server/realms/:tenant', etag(), metadata)
  app.get('/realms/:tenant/jwks', etag(), async (context) => {
    const keys = await issuing.keys.published(tenantOf(context))
    return keys.length === 0 ? notFound() : context.json({ keys }, 200, CACHED)
  })
  app.post('/realms/:tenant/token', (context) =>
    tokenEndpoint(tenantOf(context), context.req.raw, issuing),
  )
  app.notFound(notFound)
  app.onError((error) => {
    if (error instanceof OAuthError) return oauthErrorResponse(error)
    log(`request failed: ${error instanceof RingfenceError ? error.code : messageOf(error)}`)
    return oauthErrorResponse(new OAuthError('temporarily_unavailable', 'trouble'))
  })
  return app
}

function tenantOf(context: Context): TenantId {
  try {
    return parseTenantId(context.req.param('tenant'))
  } catch {
    return NO_REALM
  }
}

function notFound(): Response {
  return problemResponse(new RingfenceError('not_found', 'there is no such thing'))
}
