import type { GrantConfig } from '../../contracts/grant.ts'
import { isInTime } from '../../contracts/standing-grant.ts'
import type { GatewayCheck } from '../../gateway/check.ts'
import { Denial, unauthenticated } from '../../gateway/denial.ts'
import type { Exchange } from '../../gateway/exchange.ts'
import { GRANT_CHECKS } from '../../gateway/grant-checks.ts'
import type { McpParts } from '../../gateway/mcp/answer-message.ts'
import { CallerDoor } from '../../gateway/mcp/caller-door.ts'
import { gatewayQuestion } from '../../policy/gateway-question.ts'
import { askStore, policiesOf } from '../../policy/tenant-policies.ts'
import { type FrontDoorMutant, mutant, replaced } from './front-door-mutant.ts'

/** How a careless gateway knows that a grant is the one that somebody acts under. */
type Knows = (grant: GrantConfig, exchange: Exchange) => boolean

const byId: Knows = ({ id }, { claimed }) => id === claimed?.delegation?.grant
const byTenant: Knows = ({ grantee }, { claimed }) => grantee === claimed?.delegation?.grantee
const byName: Knows = ({ subject }, { claimed }) => subject === claimed?.actor?.subject
const inTime: Knows = (grant) => isInTime(grant, Date.now())

/** In the place of `grant-stands`: without one thing that makes a grant somebody's. */
function standsBy(...known: readonly Knows[]): GatewayCheck {
  return {
    name: 'grant-stands',
    run(exchange) {
      const { claimed, tenant } = exchange
      if (claimed?.delegation === undefined) return
      const found = tenant?.grants?.some((grant) => known.every((knows) => knows(grant, exchange)))
      if (found !== true) throw unauthenticated('careless', true)
    },
  }
}

/** In the place of `grant-stands`: believes that what was exchanged once is good as long as the token. */
const bySignature: GatewayCheck = { name: 'grant-stands', run: () => undefined }

/** In the place of `resource-of-the-grant`: compares letters, and not segments. */
const byLetters: GatewayCheck = {
  name: 'resource-of-the-grant',
  run({ claimed, tenant, route }) {
    const grant = tenant?.grants?.find(({ id }) => id === claimed?.delegation?.grant)
    if (grant === undefined || route === undefined) return
    if (grant.resources.some((resource) => route.inside.startsWith(resource))) return
    throw new Denial('forbidden', 'the grant does not allow this', 'careless')
  },
}

/** In the place of `grantee-is-served`: whose realm vouched for the principal is not compared. */
const byServed: GatewayCheck = {
  name: 'grantee-is-served',
  run({ claimed, configuration }) {
    if (claimed?.delegation === undefined) return
    const home = configuration.tenant(claimed.delegation.grantee)
    if (home?.status !== 'suspended') return
    throw unauthenticated('careless', true)
  },
}

/** In the place of `grantee-is-served`: whoever has a realm is served. */
const byIssuer: GatewayCheck = {
  name: 'grantee-is-served',
  run({ claimed, configuration }) {
    if (claimed?.delegation === undefined) return
    const home = configuration.tenant(claimed.delegation.grantee)
    if (home !== undefined && home.issuer === claimed.actor?.issuer) return
    throw unauthenticated('careless', true)
  },
}

/** In the place of `not-revoked`: looks at what its own realm has taken back alone. */
const forgetsHome: GatewayCheck = {
  name: 'not-revoked',
  run({ claimed }, { revocations }) {
    if (claimed === undefined) return
    const { tenant, id, session, subject, client, issuedAt } = claimed
    if (revocations.revokes({ tenant, id, session, subject, client, issuedAt })) {
      throw unauthenticated('revoked', true)
    }
  },
}

/** In the place of `policies`: asks about a principal of another tenant as about one of the tenant's own. */
const asOwn: GatewayCheck = {
  name: 'policies',
  run({ claimed, tenant, route, head, configuration }) {
    if (claimed === undefined || tenant === undefined || route === undefined) return
    const { delegation: _, ...caller } = claimed
    const question = gatewayQuestion({
      tenant: tenant.id,
      caller,
      method: head.method,
      address: head.address,
      now: Date.now(),
      target: { api: route.api, inside: route.inside },
    })
    if (askStore(policiesOf(configuration, tenant), question).allowed) return
    throw new Denial('forbidden', 'a policy does not allow this', 'careless')
  },
}

/** In the place of `action-of-the-grant`: asks about the message, and not about what its tool does. */
const byMessage: GatewayCheck = {
  name: 'action-of-the-grant',
  run: (exchange, memory) => (exchange.head.inner ? undefined : soundAction?.run(exchange, memory)),
}
const soundAction = GRANT_CHECKS.find(({ name }) => name === byMessage.name)

/** Agents of delegates see what the tenant's own agents see. */
const showsAll: Partial<McpParts> = {
  doorOf: (door, exchange) =>
    Object.assign(new CallerDoor(door, exchange), { shows: () => true as const }),
}

function careless(id: string, title: string, noticedBy: string, check: GatewayCheck) {
  return mutant(id, title, [noticedBy], ({ gatewayChecks }) => ({
    gatewayChecks: replaced(gatewayChecks, check),
  }))
}

export const GRANT_MUTANTS: readonly FrontDoorMutant[] = [
  careless(
    'fd-grant-without-time',
    'A grant is looked up, and not its time',
    'fd-grant-expired',
    standsBy(byId, byTenant, byName),
  ),
  careless(
    'fd-grant-to-the-tenant',
    'A grant to one principal is taken for one to its tenant',
    'fd-grant-other-subject',
    standsBy(byId, byTenant, inTime),
  ),
  careless(
    'fd-grant-to-the-name',
    'A grant is found by the name of a principal, in whichever tenant',
    'fd-grant-other-tenant',
    standsBy(byId, byName, inTime),
  ),
  careless(
    'fd-grant-by-signature',
    'A token of a grant is good as long as its signature',
    'fd-grant-taken-back',
    bySignature,
  ),
  careless(
    'fd-grant-by-any-realm',
    'Whose realm vouched for a principal of another tenant is not compared',
    'fd-grant-other-issuer',
    byServed,
  ),
  careless(
    'fd-grant-by-issuer',
    'A principal is taken for as long as its tenant has a realm',
    'fd-grant-grantee-suspended',
    byIssuer,
  ),
  careless(
    'fd-grant-by-letters',
    'A path is compared with that of a grant letter by letter',
    'fd-grant-resource',
    byLetters,
  ),
  careless(
    'fd-grant-as-own-user',
    'Policies are asked about a principal of another tenant as about a user',
    'fd-grant-role',
    asOwn,
  ),
  careless(
    'fd-grant-forgets-home',
    'What is taken back at home is not asked for',
    'fd-grant-revoked-at-home',
    forgetsHome,
  ),
  mutant(
    'fd-grant-all-tools-shown',
    'Agents of other tenants are shown all tools, and kept from calling them',
    ['fd-grant-tools-listed'],
    ({ openGateway }) => ({
      openGateway: (options) => openGateway({ ...options, mcp: showsAll }),
    }),
  ),
  mutant(
    'fd-grant-message-alone',
    'A grant is asked about the message of an agent, and not about the tool that it calls',
    ['fd-grant-tool-called'],
    ({ openGateway, gatewayChecks }) => ({
      openGateway: (options) => openGateway({ ...options, mcp: showsAll }),
      gatewayChecks: replaced(gatewayChecks, byMessage),
    }),
  ),
]
