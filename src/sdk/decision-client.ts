import { z } from 'zod'
import { RingfenceError } from '../core/errors.ts'
import { call } from '../http/call.ts'
import { CONTEXT_HEADER } from '../tokens/tenant-context.ts'
import { type TraceContext, traceHeaders } from '../http/trace-context.ts'
import type { WorkloadIdentity } from './identity.ts'
import type { Peer } from './options.ts'

/** Milliseconds for which a decision is used again, for the very same question. */
const FRESH_MS = 5_000
const REMEMBERED_MAX = 5_000

/** What something is done to. Ids are without their tenant: the decision point knows whose they are. */
export interface ResourceInQuestion {
  /** As the tenant's schema has it: `Clinic::Record`. */
  readonly type: string
  readonly id: string
  /** Its attributes. */
  readonly properties?: Readonly<Record<string, unknown>>
  /** What it is in. */
  readonly parents?: readonly { readonly type: string; readonly id: string }[]
  /** Where it is, for roles that hold at places: `ward/north`. */
  readonly place?: string
}

export interface AccessQuestion {
  /** An action of the tenant's schema, in the namespace of the resource's type: `sign`. */
  readonly action: string
  readonly resource: ResourceInQuestion
  /** What else policies may want to know. */
  readonly context?: Readonly<Record<string, unknown>>
  /** What a tenant without any policies means. Default `deny`. */
  readonly withoutPolicies?: 'allow' | 'deny'
}

export type AccessDecision = 'allow' | 'deny' | 'no-policies'

/** For whom a decision is asked. */
export interface DecisionAsking {
  /** The tenant context. */
  readonly token: string
  readonly subject: string
  readonly expiresAt: Date
  readonly trace: TraceContext
  readonly signal: AbortSignal
}

const answerSchema = z.object({
  decision: z.boolean(),
  context: z.object({ reason: z.string().optional() }).optional(),
})

export interface DecisionClientOptions extends Peer {
  readonly identity: WorkloadIdentity
  readonly deadlineMs: number
}

/** Asks the decision point (AuthZEN Authorization API 1.0). */
export class DecisionClient {
  readonly #options: DecisionClientOptions
  readonly #remembered = new Map<
    string,
    { readonly decision: AccessDecision; readonly until: number }
  >()

  constructor(options: DecisionClientOptions) {
    this.#options = options
  }

  /**
   * @throws RingfenceError `invalid_token` (the context), `invalid_argument` (the question),
   *   `engine_unavailable`, `overloaded`, `timed_out` where nobody decides: that is not allowed either
   */
  async decide(asking: DecisionAsking, question: AccessQuestion): Promise<AccessDecision> {
    const { action, resource, context } = question
    const body = JSON.stringify({
      subject: { type: 'user', id: asking.subject },
      action: { name: action },
      resource,
      ...(context === undefined ? {} : { context }),
    })
    // The context's own token stands for tenant, user, roles and sign-in; the rest is in the body.
    const key = `${asking.token} ${body}`
    const known = this.#remembered.get(key)
    if (known !== undefined && known.until > Date.now()) return known.decision
    const decision = await this.#ask(asking, body)
    this.#remember(key, decision, Math.min(Date.now() + FRESH_MS, asking.expiresAt.getTime()))
    return decision
  }

  #remember(key: string, decision: AccessDecision, until: number): void {
    const oldest = this.#remembered.keys().next()
    if (this.#remembered.size >= REMEMBERED_MAX && !oldest.done) {
      this.#remembered.delete(oldest.value)
    }
    this.#remembered.delete(key)
    this.#remembered.set(key, { decision, until })
  }

  async #ask({ token, trace, signal }: DecisionAsking, body: string): Promise<AccessDecision> {
    const { address, audience, identity, deadlineMs } = this.#options
    const answer = await call(address, {
      method: 'POST',
      path: '/access/v1/evaluation',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        authorization: `Bearer ${await identity.assertion(audience)}`,
        [CONTEXT_HEADER]: token,
        ...traceHeaders(trace),
      },
      body,
      timeoutMs: deadlineMs,
      signal: AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]),
    })
    if (answer.status !== 200) throw refusal(answer.status)
    const read = answerSchema.safeParse(jsonOf(answer.text)).data
    if (read === undefined) throw new RingfenceError('internal', 'no decision came')
    if (read.decision) return 'allow'
    return read.context?.reason === 'no_policies' ? 'no-policies' : 'deny'
  }
}

function refusal(status: number): RingfenceError {
  const detail = `the decision point answered ${status}`
  if (status === 400) {
    return new RingfenceError('invalid_argument', 'this is no question for a decision', { detail })
  }
  if (status === 401) {
    return new RingfenceError('invalid_token', 'the tenant context is not accepted', { detail })
  }
  return new RingfenceError('overloaded', 'nobody decides now; try later', { detail })
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
