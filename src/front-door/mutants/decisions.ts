import {
  type Asker,
  DecisionPoint,
  type DecisionPointOptions,
} from '../../policy/decision-point.ts'
import type { ServiceAsking } from '../../policy/service-question.ts'
import { RingfenceError } from '../../core/errors.ts'
import { parseTenantId } from '../../core/tenant.ts'
import { forge, headerOf } from '../../strikes/forge.ts'
import { assertionOf, CONTEXT_TYP } from '../house/claims.ts'
import { CLINIC, DECISIONS_AUDIENCE, type Ground } from '../house/ground.ts'
import { type FrontDoorMutant, mutant } from './front-door-mutant.ts'

type Ask = DecisionPoint['asker']
type Decide = DecisionPoint['decide']

interface Worse {
  readonly options?: (options: DecisionPointOptions) => DecisionPointOptions
  readonly asker?: (sound: Ask, ground: Ground, options: DecisionPointOptions) => Ask
  readonly decide?: (sound: Decide) => Decide
}

function point(id: string, title: string, noticedBy: string, worse: Worse): FrontDoorMutant {
  return mutant(id, title, [noticedBy], ({ decisionPoint }) => ({
    decisionPoint(given, ground) {
      const options = worse.options?.(given) ?? given
      const made = decisionPoint(options, ground)
      const asker: Ask = made.asker.bind(made)
      const decide: Decide = made.decide.bind(made)
      return Object.assign(made, {
        asker: worse.asker?.(asker, ground, options) ?? asker,
        decide: worse.decide?.(decide) ?? decide,
      })
    },
  }))
}

/** What a token says, unverified; nothing of what is none. */
function saidIn(token: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  } catch {
    return undefined
  }
}

/** The context, as it would be if it were for this service and signed. */
function believed({ keys }: Ground, token: string, change: object = {}): string {
  const claims = saidIn(token)
  if (claims === undefined) throw new RingfenceError('invalid_token', 'none')
  return forge(keys.context, headerOf(keys.context, CONTEXT_TYP), { ...claims, ...change })
}

/** The tenant that a resource's id begins with, for whoever believes it. */
function tenantNamed({ context }: Asker, { resource }: ServiceAsking) {
  const [name, ...rest] = resource.id.split('/')
  return rest.length === 0 ? context.tenant : parseTenantId(name)
}

/** The decision point, asked and deciding carelessly. */
export const DECISION_MUTANTS: readonly FrontDoorMutant[] = [
  point(
    'fd-decisions-for-any-service',
    'Decisions about contexts for whichever service they were made',
    'fd-decision-other-service',
    {
      asker: (sound, ground) => (assertion, context) => {
        const { sub } = saidIn(assertion) ?? {}
        const isBilling = sub === ground.workloads.billing.client
        return sound(assertion, isBilling ? believed(ground, context, { aud: 'billing' }) : context)
      },
    },
  ),
  point(
    'fd-decisions-for-anybody',
    'Decisions told to whoever shows a context',
    'fd-decision-stranger',
    {
      asker:
        (sound, { workloads }) =>
        (_, context) =>
          sound(assertionOf(workloads.web, { aud: DECISIONS_AUDIENCE }), context),
    },
  ),
  point(
    'fd-decisions-unverified',
    'Contexts read, and left to the network who sends them',
    'fd-decision-forged',
    {
      asker: (sound, ground) => (assertion, context) =>
        sound(assertion, believed(ground, context, { aud: CLINIC })),
    },
  ),
  point(
    'fd-decisions-by-resource',
    'Whose policies decide is whose the resource is said to be',
    'fd-decision-tenant-named',
    {
      decide: (sound) => (asker, asking) =>
        sound(
          { ...asker, context: { ...asker.context, tenant: tenantNamed(asker, asking) } },
          asking,
        ),
    },
  ),
  point(
    'fd-decisions-assertions-kept',
    'Assertions of services good as long as they live',
    'fd-decision-replayed',
    {
      asker: (_sound, _ground, options) => (assertion, context) =>
        new DecisionPoint(options).asker(assertion, context),
    },
  ),
  point(
    'fd-decisions-without-revocations',
    'What was taken back not asked for by the decision point',
    'fd-decision-revoked',
    { options: (options) => ({ ...options, revocations: { revokes: () => false } }) },
  ),
  point(
    'fd-decisions-for-the-suspended',
    'Decisions for tenants that are served no more',
    'fd-decision-suspended',
    {
      options: (options) => ({
        ...options,
        configuration() {
          const now = options.configuration()
          return {
            ...now,
            version: now.version,
            confirmedAt: now.confirmedAt,
            platform: now.platform,
            tenantOfHost: (host) => now.tenantOfHost(host),
            tenants: () => now.tenants(),
            tenant(id) {
              const found = now.tenant(id)
              return found && { ...found, status: 'active' as const }
            },
          }
        },
      }),
    },
  ),
  point(
    'fd-decisions-past-grants',
    'Policies alone asked about principals of other tenants',
    'fd-decision-grant',
    {
      decide: (sound) => (asker, asking) => {
        const { delegation: _delegation, ...context } = asker.context
        return sound({ ...asker, context }, asking)
      },
    },
  ),
]
