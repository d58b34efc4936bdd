import { messageOf } from '../core/errors.ts'
import type { TenantId } from '../core/tenant.ts'
import { READING } from '../policy/built-in-schema.ts'
import type { Decision } from '../policy/decision.ts'
import {
  type Called,
  calledApi,
  calledEndpoint,
  type KnownCaller,
  knownCaller,
  questionAbout,
} from '../policy/gateway-question.ts'
import type { Question } from '../policy/question.ts'
import { recordingOf } from '../policy/recorded-question.ts'
import { RegoEngines } from '../policy/rego.ts'
import { regoInput } from '../policy/rego-input.ts'
import {
  askPlatform,
  askStore,
  policiesOf,
  type TenantPolicies,
} from '../policy/tenant-policies.ts'
import type { ClaimedAccess } from '../tokens/access-token.ts'
import type { GatewayCheck } from './check.ts'
import { Denial } from './denial.ts'
import type { Exchange } from './exchange.ts'
import { Note, TokenNote } from './note.ts'
import type { Route, RouteUpstream } from './route.ts'

/** One for all gateways of a process: bundles are told apart by the configuration that holds them. */
const rego = new RegoEngines()

/** Whether whoever is known by now may do this: by scope, and by policies. */
export const POLICY_CHECKS: readonly GatewayCheck[] = [
  {
    name: 'scope-of-the-method',
    run({ scopes, head, endpoint, route }) {
      // That there is a scope at all is another check; what we answer ourselves asks for its own.
      if (endpoint !== undefined || route === undefined || scopes.length === 0) return
      const needed = READING.some((method) => method === head.method) ? 'read' : 'write'
      if (scopes.includes(needed)) return
      throw new Denial('forbidden', `this needs the scope ${needed}`, `no scope ${needed}`, [
        [
          'www-authenticate',
          `Bearer realm="ringfence", error="insufficient_scope", scope="${needed}"`,
        ],
      ])
    },
  },
  {
    name: 'platform-policies',
    run(exchange) {
      const policies = policiesFor(exchange)
      // Where there are none, not even the question is made.
      if (policies?.platform === undefined && policies?.platformTrouble === undefined) return
      ask(exchange, (question) => askPlatform(policies, question))
    },
  },
  {
    name: 'policies',
    run(exchange, { recordQuestion }) {
      const policies = policiesFor(exchange)
      if (policies?.store === undefined && policies?.storeTrouble === undefined) return
      ask(exchange, (question) => {
        const decision = askStore(policies, question)
        const { tenant, requestId } = exchange
        const at = new Date()
        recordQuestion?.(
          recordingOf(question, decision, { tenant: tenant?.id ?? '', requestId, at }),
        )
        return decision
      })
    },
  },
  {
    name: 'rego',
    run(exchange) {
      const { policy } = exchange.tenant ?? {}
      return policy?.rego === undefined ? undefined : askRego(exchange, policy, policy.rego)
    },
  },
]

const questions = new Note<Question>()
const deciding = new Note<readonly string[]>()

/** Ids of the policies that decided about a request; undefined where none was asked, or none applied. */
export function decidedBy(exchange: Exchange): readonly string[] | undefined {
  return deciding.get(exchange)
}

/** What a request asks of policies; undefined where nothing is served. Made once for each request. */
function questionOf(exchange: Exchange): Question | undefined {
  const known = questions.get(exchange)
  if (known !== undefined) return known
  const { tenant, claimed, endpoint, route, path } = exchange
  if (tenant === undefined || claimed === undefined) {
    // The checks before have made sure of both.
    throw forbidden('nobody is known to ask for')
  }
  const { method, address } = exchange.head
  const about = (called: Called, inside: string) =>
    questionAbout(askerOf(exchange, claimed), called, inside, { method, address, now: Date.now() })
  const question =
    endpoint === undefined
      ? route && about(calledOf(tenant.id, route), route.inside)
      : about(calledEndpoint(tenant.id, endpoint.name), path)
  if (question !== undefined) questions.set(exchange, question)
  return question
}

interface Asker extends KnownCaller {
  readonly scopes: Exchange['scopes']
}

const askers = new TokenNote<Asker>()

function askerOf(exchange: Exchange, claimed: ClaimedAccess): KnownCaller {
  const { scopes } = exchange
  const known = askers.get(exchange)
  if (known?.scopes === scopes) return known
  const { principal, facts } = knownCaller({ ...claimed, scopes })
  const asker = { scopes, principal, facts }
  askers.set(exchange, asker)
  return asker
}

/** By a route's upstream, which is made for one tenant and one API. */
const calledApis = new WeakMap<RouteUpstream, Called>()

function calledOf(tenant: TenantId, { api, upstream }: Route): Called {
  const known = calledApis.get(upstream)
  if (known?.tenant === tenant && known.api === api) return known
  const called = calledApi(tenant, api)
  calledApis.set(upstream, called)
  return called
}

function policiesFor({ configuration, tenant }: Exchange): TenantPolicies | undefined {
  return tenant && policiesOf(configuration, tenant)
}

/** @throws Denial */
function ask(exchange: Exchange, decide: (question: Question) => Decision): void {
  const question = questionOf(exchange)
  if (question === undefined) return
  const decision = decide(question)
  if (decision.policies.length > 0) deciding.set(exchange, decision.policies)
  if (!decision.allowed) throw forbidden(decision.reason)
}

/** @throws Denial */
async function askRego(exchange: Exchange, owner: object, bundle: string): Promise<void> {
  const question = questionOf(exchange)
  if (question === undefined) return
  const allowed = await rego.ask(owner, bundle, regoInput(question)).catch((error: unknown) => {
    throw forbidden(`rego: ${messageOf(error)}`)
  })
  if (!allowed) throw forbidden('the Rego bundle does not allow it')
}

/** The same whatever forbids it: policies are not read out to those whom they keep away. */
function forbidden(reason: string): Denial {
  return new Denial('forbidden', 'a policy does not allow this', `policy: ${reason}`)
}
