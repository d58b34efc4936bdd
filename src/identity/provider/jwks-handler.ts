import { createHash } from 'node:crypto'
import { JWKS_SECONDS, type RealmKeys } from '../realm-keys.ts'
import type { RealmHandler } from './realm-context.ts'

/**
 * The realm's keys, asked of the database each time: a key is published before any process knows that
 * there is one, and one that is gone is gone at once.
 */
export function jwksHandler(keys: RealmKeys): RealmHandler {
  return async ({ tenant }, request, response) => {
    if (request.url !== '/jwks' || !['GET', 'HEAD'].includes(request.method)) return false
    const body = JSON.stringify({ keys: await keys.published(tenant) })
    const etag = `"${createHash('sha256').update(body).digest('base64url')}"`
    const headers = {
      'content-type': 'application/jwk-set+json',
      'cache-control': `public, max-age=${JWKS_SECONDS}`,
      'access-control-allow-origin': '*',
      etag,
    }
    if (request.headers['if-none-match'] === etag) response.writeHead(304, headers).end()
    else response.writeHead(200, headers).end(body)
    return true
  }
}
