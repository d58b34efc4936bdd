import { createHash, timingSafeEqual } from 'node:crypto'
import type { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Client, type KoaContextWithOIDC, Provider } from 'oidc-provider'
import { DenialThrottle } from '../../audit/denial-throttle.ts'
import { messageOf, RingfenceError } from '../../core/errors.ts'
import { PROBLEM_TYPE, problemOf } from '../../http/problem.ts'
import { JWKS_SECONDS } from '../realm-keys.ts'
import { hashIn } from './client-metadata.ts'
import type { LoadedRealm } from './loaded-realm.ts'
import { providerConfiguration } from './provider-configuration.ts'
import type { ProviderTools } from './provider-tools.ts'
import { sha256 } from './realm-clients.ts'
import type { RealmContext } from './realm-context.ts'
import { requestFacts } from './request-facts.ts'
import { TOKEN_EXCHANGE } from './realm-settings.ts'
import { EXCHANGE_PARAMETERS, tokenExchange } from './token-exchange.ts'
import { enterTokenAnswer } from './enter-token-answer.ts'

/** Refusals of one realm that are entered one by one. */
const REFUSED_PER_MINUTE = 300
/** What the hash of no secret is compared with, so that a wrong one and none take the same time. */
const NOBODYS_HASH = Buffer.alloc(32)

/** A realm that is being served: its context, and the provider as a request handler. */
export interface RealmProvider {
  readonly context: RealmContext
  readonly realm: LoadedRealm
  readonly serve: (request: IncomingMessage, response: ServerResponse) => Promise<void>
}

/** Makes the OpenID Provider of one realm. */
export function realmProvider(realm: LoadedRealm, tools: ProviderTools): RealmProvider {
  const provider = new Provider(
    realm.issuer,
    providerConfiguration(realm, tools, () => context),
  )
  const { tenant, issuer, displayName, settings, cookies, deriveKey } = realm
  const context: RealmContext = {
    tenant,
    issuer,
    displayName,
    settings,
    cookies,
    deriveKey,
    provider,
  }
  const throttle = new DenialThrottle(REFUSED_PER_MINUTE)
  // Host, protocol and address are in headers that we have written ourselves.
  provider.proxy = true
  provider.Client.prototype.compareClientSecret = matchesHash
  provider.registerGrantType(TOKEN_EXCHANGE, tokenExchange(realm, tools), EXCHANGE_PARAMETERS, [])
  provider.on('server_error', (ctx: KoaContextWithOIDC, error: unknown) => {
    requestFacts(ctx).failure = error
    tools.log(`request failed: ${reasonOf(error)}`)
  })
  const events: EventEmitter = provider
  events.on(
    'backchannel.error',
    (_ctx: unknown, _error: unknown, { clientId }: Client, subject: string, sid: string) =>
      tools.untold({ tenant, client: clientId, subject, sid }),
  )
  // What is left over, a connection that broke off, must not be written to the console.
  events.on('error', (error: unknown) => tools.log(`request failed: ${reasonOf(error)}`))
  provider.use(async (ctx, next) => {
    await next()
    const asked = ctx as KoaContextWithOIDC
    await enterTokenAnswer(asked, realm.tenant, tools.database, throttle).catch(
      (error: unknown) => {
        // No token leaves that is not entered.
        requestFacts(asked).failure = error
        tools.log(`request failed: ${reasonOf(error)}`)
      },
    )
    finish(asked)
  })
  const callback = provider.callback()
  return { context, realm, serve: (request, response) => callback(request, response) }
}

function matchesHash(this: { readonly clientSecret?: string | undefined }, actual: string) {
  const kept = hashIn(this.clientSecret)
  return timingSafeEqual(sha256(actual), kept ?? NOBODYS_HASH) && kept !== undefined
}

/** What answers have in common, whatever endpoint they are of. */
function finish(ctx: KoaContextWithOIDC): void {
  const { failure } = requestFacts(ctx)
  if (failure !== undefined) return failed(ctx)
  if (ctx.status === 404 && (ctx.body === undefined || ctx.body === null)) return absent(ctx)
  const route = ctx.oidc?.route
  if (route === 'discovery' || route === 'jwks') return cacheable(ctx)
  if (ctx.status === 401 && isError(ctx.body, 'invalid_client')) {
    // RFC 9110, section 11.6.1: with 401 goes a challenge. It names no realm of ours.
    ctx.set('www-authenticate', 'Basic realm="token"')
  }
  if (route === 'client' || route === 'client_update') withoutHash(ctx)
}

function failed(ctx: KoaContextWithOIDC): void {
  ctx.status = 503
  ctx.set('retry-after', '1')
  if (ctx.response.is('html') === 'html') return
  ctx.body = { error: 'temporarily_unavailable' }
}

function absent(ctx: KoaContextWithOIDC): void {
  const problem = problemOf(new RingfenceError('not_found', 'there is no such thing'))
  ctx.body = `${JSON.stringify(problem)}\n`
  ctx.status = 404
  ctx.set('cache-control', 'no-store')
  ctx.type = PROBLEM_TYPE
}

function cacheable(ctx: KoaContextWithOIDC): void {
  ctx.set('cache-control', `public, max-age=${JWKS_SECONDS}`)
  const hash = createHash('sha256').update(JSON.stringify(ctx.body)).digest('base64url')
  ctx.set('etag', `"${hash}"`)
  if (ctx.fresh) ctx.status = 304
}

/** In a client's record its secret stands as a hash, which is nothing to hand out. */
function withoutHash(ctx: KoaContextWithOIDC): void {
  const body: unknown = ctx.body
  if (typeof body !== 'object' || body === null || !('client_secret' in body)) return
  if (hashIn(String(body.client_secret)) !== undefined) delete body.client_secret
}

function isError(body: unknown, code: string): boolean {
  return typeof body === 'object' && body !== null && 'error' in body && body.error === code
}

function reasonOf(error: unknown): string {
  return error instanceof RingfenceError ? error.code : messageOf(error)
}
