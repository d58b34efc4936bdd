import { messageOf, RingfenceError } from '../core/errors.ts'
import { verifyAccessToken } from '../tokens/access-token.ts'
import type { Revocable, RevocationList } from '../revocation/revocation.ts'
import { audienceOf } from './audience-of.ts'
import type { GatewayCheck } from './check.ts'
import { Denial, unauthenticated } from './denial.ts'
import type { Exchange } from './exchange.ts'
import { valuesOf } from './headers.ts'
import { parseHost } from './host.ts'
import { PROOF_CHECKS } from './proof-checks.ts'
import { realmKeys } from './realm-keys.ts'
import { revocableOf } from './revocable.ts'
import type { VerifiedTokens } from './verified-tokens.ts'

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])
/** When to come back to a gateway that cannot know what was revoked. */
const UNKNOWN_SECONDS = '5'
/** How long a pause for a move takes at most, by aim. */
const PAUSE_SECONDS = '1'

/**
 * Whose request it is. Issuer, tenant and route must agree. Whatever does not, and a tenant that
 * there is not, costs one signature and gets one answer: the signature comes before the rest.
 */
export const IDENTITY_CHECKS: readonly GatewayCheck[] = [
  {
    name: 'token',
    run(exchange, { tokens, publicProtocol }) {
      const { tokenKey, tenant } = exchange
      if (tenant !== undefined && tokens.has(tokenKey, tenant.id)) return undefined
      return verify(exchange, tokens, audienceOf(exchange, publicProtocol))
    },
  },
  {
    name: 'host-is-known',
    run({ incoming, ofHost }, { hosts }) {
      if (hosts === undefined || ofHost !== undefined) return
      const host = parseHost(valuesOf(incoming, 'host')[0] ?? '')
      // Not said apart from the rest: it would tell which hosts are tenants'.
      if (host === undefined || !hosts.has(host)) throw unauthenticated('no host of ours', true)
    },
  },
  {
    name: 'host-and-path-agree',
    run({ ofHost, ofPath, pathNamesTenant }) {
      if (ofHost !== undefined && pathNamesTenant && ofHost !== ofPath) {
        throw unauthenticated('host and path name two tenants', true)
      }
    },
  },
  {
    name: 'issuer-is-the-tenants',
    run({ tenant, claimed }) {
      if (tenant === undefined || claimed?.issuer !== tenant.issuer) {
        throw unauthenticated('another issuer than the tenant has', true)
      }
    },
  },
  {
    name: 'token-is-for-the-tenant',
    run({ tenant, claimed }) {
      if (tenant === undefined || claimed?.tenant !== tenant.id) {
        throw unauthenticated('the token is for another tenant', true)
      }
    },
  },
  {
    name: 'tenant-is-served',
    run({ tenant }) {
      if (tenant === undefined || tenant.status === 'suspended') {
        throw unauthenticated('the tenant is suspended', true)
      }
    },
  },
  {
    name: 'not-revoked',
    // Of every request: a token that was verified a moment ago may have been taken back since.
    run(exchange, { revocations }) {
      const token = revocableOf(exchange)
      if (token !== undefined && isRevoked(token, revocations))
        throw unauthenticated('it was revoked', true)
    },
  },
  ...PROOF_CHECKS,
  {
    name: 'scope',
    run({ scopes }) {
      if (scopes.length > 0) return
      throw new Denial('forbidden', 'this needs the scope read or write', 'no scope of use', [
        ['www-authenticate', 'Bearer realm="ringfence", error="insufficient_scope"'],
      ])
    },
  },
  {
    name: 'no-writes-in-a-pause',
    run(exchange) {
      if (exchange.tenant?.status !== 'paused') return
      const reads = exchange.scopes.filter((scope) => scope === 'read')
      if (reads.length === 0 || !SAFE_METHODS.has(exchange.head.method)) {
        throw new Denial('overloaded', 'writes wait for a moment: try again', 'writes are paused', [
          ['retry-after', PAUSE_SECONDS],
        ])
      }
      // Whatever the service makes of a GET, it cannot write with this.
      exchange.scopes = reads
    },
  },
]

async function verify(exchange: Exchange, tokens: VerifiedTokens, audience: string): Promise<void> {
  const { token, tokenKey, tenant, claimed, configuration } = exchange
  const enter = tokens.begin(tokenKey)
  const realm = { issuer: claimed?.issuer ?? '', audience }
  try {
    const { expiresAt } = await verifyAccessToken(token, realmKeys(tenant), realm)
    // What is good at one host only is judged anew every time: it is remembered for no other.
    const isForAll = audience === configuration.platform.audience
    if (tenant !== undefined && isForAll) enter(tenant.id, expiresAt)
  } catch (error) {
    if (!(error instanceof RingfenceError)) throw error
    const why = tenant === undefined ? 'no such tenant' : (error.detail ?? messageOf(error))
    throw unauthenticated(`token: ${why}`, true)
  }
}

/** @throws Denial that says no more than that nobody is served for the moment */
function isRevoked(token: Revocable, revocations: RevocationList): boolean {
  try {
    return revocations.revokes(token)
  } catch (error) {
    throw new Denial('revocations_unknown', 'wait, and try again', messageOf(error), [
      ['retry-after', UNKNOWN_SECONDS],
    ])
  }
}
