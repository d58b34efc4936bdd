import type { GrantConfig } from '../contracts/grant.ts'
import { coversPath, type ClaimedGrant, standingGrant } from '../contracts/standing-grant.ts'
import type { TenantId } from '../core/tenant.ts'
import { grantSubject } from '../tokens/delegation.ts'
import type { GatewayCheck } from './check.ts'
import { Denial, unauthenticated } from './denial.ts'
import type { Exchange } from './exchange.ts'
import { coversRequest } from './grant-actions.ts'
import { Note } from './note.ts'

/**
 * Principals of other tenants, each under a grant: whether it stands, and what it is for. A grant is
 * looked up at every request, so that it ends with the configuration that has it no more.
 */
export const GRANT_CHECKS: readonly GatewayCheck[] = [
  {
    name: 'grant-stands',
    run(exchange) {
      const grant = grantOf(exchange)
      if (grant === 'none') return
      if (grant === undefined) throw unauthenticated('no such grant now', true)
      grants.set(exchange, grant)
    },
  },
  {
    name: 'grantee-is-served',
    run({ claimed, configuration }) {
      if (claimed?.delegation === undefined) return
      const home = configuration.tenant(claimed.delegation.grantee)
      if (home === undefined || home.status === 'suspended') {
        throw unauthenticated('the grantee is suspended', true)
      }
      if (home.issuer !== claimed.actor?.issuer) {
        throw unauthenticated('another issuer than the grantee has', true)
      }
    },
  },
  {
    name: 'scope-of-the-grant',
    run(exchange) {
      const grant = grants.get(exchange)
      if (grant === undefined) return
      exchange.scopes = exchange.scopes.filter((scope) => grant.scopes.includes(scope))
      if (exchange.scopes.length === 0) throw beyond('no scope of it is left')
    },
  },
  {
    name: 'api-of-the-grant',
    run(exchange) {
      const grant = grants.get(exchange)
      if (grant === undefined) return
      const { endpoint, route } = exchange
      if (endpoint !== undefined) {
        // What the gateway answers itself is an API of no grant, unless it asks the grant itself.
        if (endpoint.heedsGrants !== true) throw beyond('an endpoint of the gateway')
      } else if (route !== undefined && !grant.apis.includes(route.api.name)) {
        throw beyond('another API')
      }
    },
  },
  {
    name: 'action-of-the-grant',
    run(exchange) {
      const grant = grants.get(exchange)
      const { route, head, endpoint } = exchange
      if (grant === undefined || route === undefined || endpoint !== undefined) return
      if (!coversRequest(grant, head, route)) throw beyond('the action')
    },
  },
  {
    name: 'resource-of-the-grant',
    run(exchange) {
      const grant = grants.get(exchange)
      const { route, endpoint } = exchange
      if (grant === undefined || route === undefined || endpoint !== undefined) return
      if (!coversPath(grant, route.inside)) throw beyond('the resource')
    },
  },
]

const grants = new Note<GrantConfig>()

/** The grant under which a request was let through; undefined for a tenant's own people. */
export function grantUsed(exchange: Exchange): GrantConfig | undefined {
  return grants.get(exchange)
}

/** Who pays for a request under a grant: one of the two, whatever both count. */
export function billedTenant(exchange: Exchange): TenantId | undefined {
  const grant = grants.get(exchange)
  return grant?.bills === 'grantee' ? grant.grantee : grant && exchange.tenant?.id
}

/** `none`: nobody says that there is one. Undefined: it does not stand for whoever says so. */
function grantOf({ tenant, claimed }: Exchange): GrantConfig | 'none' | undefined {
  if (claimed?.delegation === undefined) return 'none'
  const { delegation, actor, subject, session } = claimed
  const { grant, grantee } = delegation
  // By these two it is taken back, and known in every log.
  if (subject !== grantSubject(grant) || session !== grant) return undefined
  const asked: ClaimedGrant = { grant, grantee, subject: actor?.subject }
  return standingGrant(tenant?.grants, asked, Date.now())
}

function beyond(reason: string): Denial {
  return new Denial('forbidden', 'the grant does not allow this', `grant: ${reason}`)
}
