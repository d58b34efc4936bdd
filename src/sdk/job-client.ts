import { z } from 'zod'
import { RingfenceError } from '../core/errors.ts'
import type { Scope } from '../core/lease.ts'
import type { ServiceName } from '../core/names.ts'
import { parsed } from '../core/parsed.ts'
import { parseTenantId, type TenantId } from '../core/tenant.ts'
import { type Address, type Answer, call } from '../http/call.ts'
import { CLIENT_ASSERTION_TYPE } from '../tokens/client-assertion.ts'
import type { WorkloadIdentity } from './identity.ts'
import { retryAfterMs, retrying, TryLater } from './retry.ts'
import { type TraceContext, traceHeaders } from '../http/trace-context.ts'

/** What a job is, for the control plane's record. */
export interface JobRequest {
  /** `nightly-report`. */
  readonly job: string
  /** Why it runs, for whoever reads the record. */
  readonly reason: string
  readonly scopes: readonly Scope[]
  /** Seconds that the work on one tenant may take, with its wait for its turn. Default 900. */
  readonly seconds?: number
}

/** A tenant's context for this run, not yet verified. */
export interface JobToken {
  readonly tenant: TenantId
  readonly token: string
}

export interface JobClientOptions {
  readonly address: Address
  /** Who the control plane is, in client assertions. */
  readonly audience: string
  readonly identity: WorkloadIdentity
  readonly service: ServiceName
  readonly deadlineMs: number
}

const SECONDS_DEFAULT = 900

const answerSchema = z.object({
  items: z.array(z.object({ tenant: parsed(parseTenantId), token: z.string().min(1) })),
})

/** Asks the control plane for job contexts. */
export class JobClient {
  readonly #options: JobClientOptions

  constructor(options: JobClientOptions) {
    this.#options = options
  }

  /**
   * One token for each active tenant, or for one that an earlier answer named.
   * @throws RingfenceError `forbidden`, `rate_limited`, `engine_unavailable`, `internal`
   */
  contexts(
    request: JobRequest,
    trace: TraceContext,
    signal: AbortSignal,
    tenant?: TenantId,
  ): Promise<readonly JobToken[]> {
    return retrying(this.#options.deadlineMs, signal, (leftMs) =>
      this.#once(request, trace, signal, leftMs, tenant),
    )
  }

  async #once(
    request: JobRequest,
    trace: TraceContext,
    signal: AbortSignal,
    leftMs: number,
    tenant: TenantId | undefined,
  ): Promise<readonly JobToken[]> {
    const { address, audience, identity, service } = this.#options
    const { job, reason, scopes, seconds = SECONDS_DEFAULT } = request
    const answer = await call(address, {
      method: 'POST',
      path: '/v1/job-contexts',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        ...traceHeaders(trace),
      },
      body: JSON.stringify({
        ...{ job, service, scopes, seconds, reason },
        client_assertion_type: CLIENT_ASSERTION_TYPE,
        client_assertion: await identity.assertion(audience),
        ...(tenant === undefined ? {} : { tenants: [tenant] }),
      }),
      timeoutMs: leftMs,
      signal,
    }).catch((error: unknown) => {
      throw error instanceof RingfenceError ? new TryLater(error) : error
    })
    if (answer.status !== 200) throw refusal(answer)
    return readTokens(answer.text)
  }
}

function readTokens(text: string): readonly JobToken[] {
  try {
    return answerSchema.parse(JSON.parse(text)).items
  } catch {
    // What it was is left out: it could hold tokens.
    throw new RingfenceError('internal', 'the control plane answered with no job contexts')
  }
}

function refusal({ status, headers }: Answer): Error {
  const detail = `the control plane answered ${status}`
  if (status === 429 || status >= 500) {
    const code = status === 429 ? 'rate_limited' : 'engine_unavailable'
    const message = 'no job contexts can be had now; try later'
    return new TryLater(
      new RingfenceError(code, message, { detail }),
      retryAfterMs(headers['retry-after']),
    )
  }
  if (status === 403) {
    return new RingfenceError('forbidden', 'this service may not run this job', { detail })
  }
  if (status === 400 || status === 422) {
    return new RingfenceError('invalid_argument', 'the control plane refuses such a job', {
      detail,
    })
  }
  return new RingfenceError('internal', 'the control plane does not accept this service', {
    detail,
  })
}
