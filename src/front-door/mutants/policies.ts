import type { GatewayCheck } from '../../gateway/check.ts'
import { Denial } from '../../gateway/denial.ts'
import type { Exchange } from '../../gateway/exchange.ts'
import { valuesOf } from '../../gateway/headers.ts'
import { type Decision, NO_STORE, unreadable } from '../../policy/decision.ts'
import { gatewayQuestion } from '../../policy/gateway-question.ts'
import { type PolicyStore, compileStore } from '../../policy/policy-store.ts'
import { environmentOf, type Question } from '../../policy/question.ts'
import { askPlatform, askStore, policiesOf, readStore } from '../../policy/tenant-policies.ts'
import type { TenantConfig } from '../../snapshot/snapshot.ts'
import { type FrontDoorMutant, mutant, replaced } from './front-door-mutant.ts'

/** How a careless gateway asks a tenant's policies. */
type Asks = (question: Question, exchange: Exchange, tenant: TenantConfig) => Decision

function carelessPolicies(asks: Asks, rolesOf?: (exchange: Exchange) => readonly string[]) {
  return {
    name: 'policies',
    run(exchange) {
      const { tenant } = exchange
      const question = questionOf(exchange, rolesOf)
      if (tenant === undefined || question === undefined) return
      if (!asks(question, exchange, tenant).allowed) throw forbidden()
    },
  } satisfies GatewayCheck
}

function questionOf(
  exchange: Exchange,
  rolesOf?: (exchange: Exchange) => readonly string[],
): Question | undefined {
  const { tenant, claimed, route, head, scopes } = exchange
  if (tenant === undefined || claimed === undefined || route === undefined) return undefined
  const roles = rolesOf?.(exchange) ?? claimed.roles
  return gatewayQuestion({
    tenant: tenant.id,
    caller: { ...claimed, roles, scopes },
    method: head.method,
    address: head.address,
    now: Date.now(),
    target: { api: route.api, inside: route.inside },
  })
}

function forbidden(): Denial {
  return new Denial('forbidden', 'a policy does not allow this', 'careless')
}

const soundly: Asks = (question, { configuration }, tenant) =>
  askStore(policiesOf(configuration, tenant), question)

/** Stores found by their versions, which count up in each tenant by itself. */
function byVersion(): Asks {
  const stores = new Map<number, PolicyStore>()
  return (question, _, { policy }) => {
    if (policy === undefined) return NO_STORE
    let store = stores.get(policy.version)
    if (store === undefined) {
      try {
        store = compileStore(readStore(policy), policy.links ?? [])
      } catch {
        return unreadable('careless')
      }
      stores.set(policy.version, store)
    }
    const { permits, forbids, failedForbids } = store.evaluate(environmentOf(question, store))
    const allowed = permits.length > 0 && forbids.length + failedForbids.length === 0
    return { ...NO_STORE, allowed }
  }
}

/** Decisions remembered by something of what they were made of. */
function remembered(keyOf: (exchange: Exchange) => string): Asks {
  const decisions = new Map<string, Decision>()
  return (question, exchange, tenant) => {
    const key = keyOf(exchange)
    const decision = decisions.get(key) ?? soundly(question, exchange, tenant)
    decisions.set(key, decision)
    return decision
  }
}

/** As Cedar decides: what fails is passed over. */
const asCedarDoes: Asks = (question, exchange, tenant) => {
  const { store } = policiesOf(exchange.configuration, tenant)
  if (store === undefined) return soundly(question, exchange, tenant)
  const { permits, forbids } = store.evaluate(environmentOf(question, store))
  return { ...NO_STORE, allowed: permits.length > 0 && forbids.length === 0 }
}

const openWhenUnreadable: Asks = (question, exchange, tenant) =>
  policiesOf(exchange.configuration, tenant).storeTrouble === undefined
    ? soundly(question, exchange, tenant)
    : NO_STORE

function asking(
  id: string,
  title: string,
  noticedBy: readonly string[],
  make: () => GatewayCheck,
): FrontDoorMutant {
  return mutant(id, title, noticedBy, ({ gatewayChecks }) => ({
    gatewayChecks: replaced(gatewayChecks, make()),
  }))
}

/** Policies asked carelessly. */
export const POLICY_MUTANTS: readonly FrontDoorMutant[] = [
  asking(
    'fd-policies-by-version',
    'Policy stores found by their version, which two tenants may share',
    ['fd-policy-other-store'],
    () => carelessPolicies(byVersion()),
  ),
  asking(
    'fd-decisions-without-tenant',
    'Decisions remembered by user, method and path, and not by tenant',
    ['fd-policy-other-store'],
    () =>
      carelessPolicies(
        remembered(({ claimed, head, route }) =>
          [claimed?.subject, head.method, route?.api.name].join(' '),
        ),
      ),
  ),
  asking(
    'fd-decisions-without-context',
    'Decisions remembered without how the user signed in',
    ['fd-policy-other-context'],
    () =>
      carelessPolicies(
        remembered(({ tenant, claimed, head, route }) =>
          [tenant?.id, claimed?.subject, head.method, route?.api.name].join(' '),
        ),
      ),
  ),
  asking(
    'fd-failing-forbids-passed-over',
    'Policies that cannot be evaluated passed over, also those that forbid',
    ['fd-policy-failing-forbid'],
    () => carelessPolicies(asCedarDoes),
  ),
  asking(
    'fd-unreadable-stores-open',
    'A store that cannot be read taken for one that is not there',
    ['fd-policy-unreadable'],
    () => carelessPolicies(openWhenUnreadable),
  ),
  asking(
    'fd-roles-of-fields',
    'Roles taken from a field of the request, as a gateway before this one left them',
    ['fd-policy-role'],
    () =>
      carelessPolicies(soundly, ({ incoming, claimed }) => [
        ...(claimed?.roles ?? []),
        ...valuesOf(incoming, 'x-roles'),
      ]),
  ),
  asking(
    'fd-platform-for-the-storeless',
    'What the platform forbids asked only where a tenant has no store of its own',
    ['fd-policy-platform'],
    () => ({
      name: 'platform-policies',
      run(exchange) {
        const { configuration, tenant } = exchange
        const question = questionOf(exchange)
        if (tenant === undefined || question === undefined || tenant.policy !== undefined) return
        if (!askPlatform(policiesOf(configuration, tenant), question).allowed) throw forbidden()
      },
    }),
  ),
]
