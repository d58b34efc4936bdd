import { coversAction, coversThing, standingGrant } from '../contracts/standing-grant.ts'
import { messageOf, RingfenceError } from '../core/errors.ts'
import type { RevocationSource } from '../revocation/revocation.ts'
import type {
  Configuration,
  PlatformConfig,
  TenantConfig,
  WorkloadConfig,
} from '../snapshot/snapshot.ts'
import { sourceOf } from '../tokens/delegation.ts'
import { UsedAssertions, verifyClientAssertion } from '../tokens/client-assertion.ts'
import { type ContextKeys, type VerifiedContext, verifyContext } from '../tokens/tenant-context.ts'
import { KeySet } from '../tokens/verify-token.ts'
import type { Caller } from './caller.ts'
import { type Decision, unreadable } from './decision.ts'
import { RegoEngines } from './rego.ts'
import { regoInput } from './rego-input.ts'
import { type ServiceAsking, serviceQuestion } from './service-question.ts'
import { askPlatform, askStore, policiesOf } from './tenant-policies.ts'

export interface DecisionPointOptions {
  /** Its own id, `ringfence-decisions`: the audience of services' client assertions. */
  readonly audience: string
  readonly configuration: () => Configuration
  readonly revocations: Pick<RevocationSource, 'revokes'>
}

/** Who asks, and for whom: both have shown it. */
export interface Asker {
  readonly workload: WorkloadConfig
  readonly context: VerifiedContext
}

/** Stands for the client of work that comes from no access token, as in revocations. */
const JOBS = 'urn:ringfence:jobs'

/** Where no store is, a service is told so: whether it goes on then is its own decision. */
export const NO_POLICIES: Decision = {
  allowed: false,
  policies: [],
  reason: 'the tenant has no policies',
  errors: [],
}

/** Decides for services what their callers may do to things that only the service knows. */
export class DecisionPoint {
  readonly #options: DecisionPointOptions
  readonly #used = new UsedAssertions()
  readonly #rego = new RegoEngines()
  readonly #workloads = new WeakMap<WorkloadConfig, KeySet>()
  readonly #platforms = new WeakMap<PlatformConfig, ContextKeys>()

  constructor(options: DecisionPointOptions) {
    this.#options = options
  }

  /**
   * Who asks: a workload, with a context that was made for its own service.
   * @throws RingfenceError `invalid_token`, `revocations_unknown`, `snapshot_stale`
   */
  async asker(assertion: string, token: string): Promise<Asker> {
    const { audience, configuration, revocations } = this.#options
    const now = configuration()
    const { workloads } = now.platform
    const client = await verifyClientAssertion(
      assertion,
      audience,
      (name) => this.#keysOf(workloads.find((one) => one.client === name)),
      this.#used,
    )
    const workload = workloads.find((one) => one.client === client)
    if (workload === undefined) throw refused('no such workload')
    const context = await verifyContext(token, this.#contextKeys(now.platform), workload.service)
    const tenant = now.tenant(context.tenant)
    if (tenant === undefined || tenant.status === 'suspended') throw refused('it is not served')
    const { origin } = context
    const source = sourceOf(context)
    const revoked = revocations.revokes({
      tenant: context.tenant,
      subject: context.subject,
      session: context.session,
      id: origin?.id ?? context.id,
      client: origin?.client ?? JOBS,
      issuedAt: origin?.issuedAt ?? context.issuedAt,
      ...(source === undefined ? {} : { source }),
    })
    if (revoked) throw refused('it was revoked')
    return { workload, context }
  }

  /** @throws RingfenceError `invalid_argument` for a question that cannot be asked, `snapshot_stale` */
  async decide({ context }: Asker, asking: ServiceAsking): Promise<Decision> {
    const configuration = this.#options.configuration()
    // By the context, and by nothing else that anybody says.
    const tenant = configuration.tenant(context.tenant)
    if (tenant === undefined) throw refused('it is not served')
    const beyond = beyondGrant(configuration, tenant, context, asking)
    if (beyond !== undefined) return beyond
    const policies = policiesOf(configuration, tenant)
    const shapes = policies.store?.shapes ?? new Map()
    const question = serviceQuestion(callerOf(context), asking, shapes, Date.now())
    const above = askPlatform(policies, question)
    if (!above.allowed) return above
    const { policy } = tenant
    if (policy === undefined) return NO_POLICIES
    const decision = askStore(policies, question)
    if (!decision.allowed || policy.rego === undefined) return decision
    try {
      const allowed = await this.#rego.ask(policy, policy.rego, regoInput(question))
      return allowed
        ? decision
        : { ...decision, allowed, reason: 'the Rego bundle does not allow it' }
    } catch (error) {
      return unreadable(messageOf(error))
    }
  }

  close(): void {
    this.#rego.close()
  }

  #keysOf(workload: WorkloadConfig | undefined): KeySet | undefined {
    if (workload === undefined) return undefined
    let keys = this.#workloads.get(workload)
    if (keys === undefined) this.#workloads.set(workload, (keys = new KeySet(workload.keys)))
    return keys
  }

  #contextKeys(platform: PlatformConfig): ContextKeys {
    let keys = this.#platforms.get(platform)
    if (keys === undefined) {
      keys = { request: new KeySet(platform.contextKeys), job: new KeySet(platform.jobKeys) }
      this.#platforms.set(platform, keys)
    }
    return keys
  }
}

/** Why a principal of another tenant may not, whatever policies say; undefined for what its grant names. */
function beyondGrant(
  configuration: Configuration,
  tenant: TenantConfig,
  { delegation, actor }: VerifiedContext,
  { action, resource }: ServiceAsking,
): Decision | undefined {
  if (delegation === undefined) return undefined
  const home = configuration.tenant(delegation.grantee)
  if (home === undefined || home.status === 'suspended') return refusedByGrant
  const asked = { ...delegation, subject: actor?.subject }
  const grant = standingGrant(tenant.grants, asked, Date.now())
  if (grant === undefined) return refusedByGrant
  const named = coversAction(grant, [action.name]) && coversThing(grant, resource)
  return named ? undefined : refusedByGrant
}

const refusedByGrant: Decision = {
  allowed: false,
  policies: [],
  reason: 'the grant does not allow it',
  errors: [],
}

function callerOf(context: VerifiedContext): Caller {
  return { ...context, client: context.origin?.client }
}

function refused(detail: string): RingfenceError {
  return new RingfenceError('invalid_token', 'the token is not valid', { detail })
}
