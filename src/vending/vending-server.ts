import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { JWK } from 'jose'
import { RingfenceError } from '../core/errors.ts'
import { type Lease, type Scope, SCOPES } from '../core/lease.ts'
import type { LeaseCache } from './lease-cache.ts'
import { verifyContext } from './tenant-context.ts'

const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const SUBJECT_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:jwt'
const BODY_BYTES_MAX = 16 * 1024

export interface VendingServerOptions {
  readonly cache: LeaseCache
  /** Verifies tenant contexts. */
  readonly contextKey: JWK
  readonly log: (line: string) => void
}

/**
 * The vending endpoint: OAuth 2.0 Token Exchange (RFC 8693). The subject token is a tenant context,
 * and it alone says whose credentials are asked for. Errors are those of RFC 6749, section 5.2.
 */
export function vendingApp(options: VendingServerOptions): Hono {
  const app = new Hono()
  app.get('/healthz', (context) => context.json({ status: 'ok' }))
  app.post('/v1/token', bodyLimit({ maxSize: BODY_BYTES_MAX }), async (context) => {
    context.header('Cache-Control', 'no-store')
    const form = await context.req.parseBody()
    const scope = SCOPES.find((name) => name === (form['scope'] ?? 'read'))
    const token = form['subject_token']
    if (form['grant_type'] !== GRANT_TYPE)
      return context.json({ error: 'unsupported_grant_type' }, 400)
    if (typeof token !== 'string' || form['subject_token_type'] !== SUBJECT_TOKEN_TYPE) {
      return context.json({ error: 'invalid_request' }, 400)
    }
    if (scope === undefined) return context.json({ error: 'invalid_scope' }, 400)
    try {
      const tenant = await verifyContext(token, options.contextKey)
      const lease = await options.cache.get(tenant, scope)
      return context.json(grant(lease, options.cache.secondsLeft(lease), scope))
    } catch (error) {
      const code = error instanceof RingfenceError ? error.code : 'internal'
      options.log(`lease refused: ${code}`)
      // An unknown tenant, an inactive one and a bad token look alike to the caller.
      if (code === 'invalid_token' || code === 'tenant_unknown') {
        return context.json({ error: 'invalid_grant' }, 400)
      }
      if (code === 'lease_denied') return context.json({ error: 'temporarily_unavailable' }, 429)
      return context.json({ error: 'temporarily_unavailable' }, 503)
    }
  })
  return app
}

function grant(lease: Lease, secondsLeft: number, scope: Scope): object {
  return {
    issued_token_type: `urn:ringfence:params:token-type:${lease.boundary}-credential`,
    token_type: 'N_A',
    scope,
    expires_in: secondsLeft,
    lease_id: lease.lease_id,
    lease_duration: secondsLeft,
    renewable: lease.renewable,
    data: lease.credential,
  }
}
