import { z } from 'zod'
import { type ErrorCode, RingfenceError } from '../core/errors.ts'
import type { LeaseId, Scope } from '../core/lease.ts'
import { type Address, type Answer, call } from '../http/call.ts'
import { CLIENT_ASSERTION_TYPE } from '../tokens/client-assertion.ts'
import type { WorkloadIdentity } from './identity.ts'
import type { PooledLease } from './postgres/lease-login.ts'
import { retryAfterMs, retrying, TryLater } from './retry.ts'
import { type TraceContext, traceHeaders } from '../http/trace-context.ts'

const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const SUBJECT_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:jwt'

const leaseSchema = z.object({
  lease_id: z.string().min(1),
  /** Seconds that the login still works. */
  lease_duration: z.number().positive(),
  renewable: z.boolean(),
  data: z.object({
    host: z.string().min(1),
    port: z.int().min(1).max(65_535),
    database: z.string().min(1),
    user: z.string().min(1),
    password: z.string().min(1),
  }),
})
const errorSchema = z.object({ error: z.string().max(100) })

/** A lease as vending hands it out. */
export interface VendedLease extends PooledLease {
  /** When it was asked for, which is when its life is counted from. Milliseconds since 1970. */
  readonly askedAt: number
}

export interface VendingClientOptions {
  readonly address: Address
  /** Who vending is, in client assertions. */
  readonly audience: string
  readonly identity: WorkloadIdentity
  /** Milliseconds within which an exchange succeeds or is given up, with all its tries. */
  readonly deadlineMs: number
}

/** On whose behalf a lease is asked for. */
export interface Asking {
  /** The tenant context. */
  readonly token: string
  readonly scope: Scope
  readonly trace: TraceContext
  readonly signal: AbortSignal
}

/** Refusals of RFC 6749, section 5.2, that come of the context, not of this program's set-up. */
const REFUSALS: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  invalid_grant: ['invalid_token', 'the tenant context is not accepted'],
  invalid_scope: ['forbidden', 'the tenant context does not allow this scope'],
  unauthorized_client: ['forbidden', 'this service may not have this scope'],
  access_denied: ['forbidden', 'the tenant context does not allow this'],
}

/** Exchanges tenant contexts for leases: OAuth 2.0 Token Exchange (RFC 8693). */
export class VendingClient {
  readonly #options: VendingClientOptions

  constructor(options: VendingClientOptions) {
    this.#options = options
  }

  /**
   * @throws RingfenceError `invalid_token` (the context), `forbidden` (the scope), `rate_limited`,
   *   `overloaded`, `engine_unavailable`, and `internal` when vending does not accept this service
   */
  exchange(asking: Asking): Promise<VendedLease> {
    return retrying(this.#options.deadlineMs, asking.signal, (leftMs) =>
      this.#exchangeOnce(asking, leftMs),
    )
  }

  /**
   * Exchanges a context for another lease than one with which the server refused a login. Vending may
   * not know of that yet and would hand the same one out again: it is told first.
   * @throws as `exchange` does
   */
  async replace(asking: Asking, refused: string): Promise<VendedLease> {
    const form = { lease_id: refused }
    // Whether that worked shows in what the exchange gives.
    await this.#post('/v1/leases/revoke', form, asking, this.#options.deadlineMs).catch(() => {})
    return this.exchange(asking)
  }

  async #exchangeOnce(asking: Asking, leftMs: number): Promise<VendedLease> {
    const askedAt = Date.now()
    const form = { grant_type: GRANT_TYPE, scope: asking.scope }
    const answer = await this.#post('/v1/token', form, asking, leftMs)
    if (answer.status !== 200) throw refusal(answer)
    return { ...readLease(answer.text, askedAt), askedAt }
  }

  async #post(
    path: string,
    fields: Readonly<Record<string, string>>,
    { token, trace, signal }: Asking,
    leftMs: number,
  ): Promise<Answer> {
    const { address, audience, identity } = this.#options
    const form = new URLSearchParams({
      ...fields,
      client_assertion_type: CLIENT_ASSERTION_TYPE,
      client_assertion: await identity.assertion(audience),
      subject_token: token,
      subject_token_type: SUBJECT_TOKEN_TYPE,
    })
    return call(address, {
      method: 'POST',
      path,
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        accept: 'application/json',
        ...traceHeaders(trace),
      },
      body: form.toString(),
      timeoutMs: leftMs,
      signal: AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(leftMs))]),
    }).catch((error: unknown) => {
      // An exchange that was not answered may be repeated: another lease is no harm.
      throw error instanceof RingfenceError ? new TryLater(error) : error
    })
  }
}

function readLease(text: string, askedAt: number): PooledLease {
  const parsed = leaseSchema.safeParse(jsonOf(text))
  // What it was is left out: it could hold the login.
  if (!parsed.success) throw new RingfenceError('internal', 'vending answered with no lease')
  const { lease_id, lease_duration, data } = parsed.data
  return {
    lease_id: lease_id as LeaseId,
    expires_at: new Date(askedAt + lease_duration * 1_000),
    credential: data,
  }
}

function refusal({ status, headers, text }: Answer): Error {
  const wait = retryAfterMs(headers['retry-after'])
  if (status === 429) {
    return new TryLater(new RingfenceError('rate_limited', 'too many leases; try later'), wait)
  }
  if (status >= 500) {
    const detail = `vending answered ${status}`
    const later = new RingfenceError('overloaded', 'no lease can be had now; try later', { detail })
    return new TryLater(later, wait)
  }
  const parsed = errorSchema.safeParse(jsonOf(text))
  const error = parsed.success ? parsed.data.error : ''
  const [code, message] = REFUSALS[error] ?? ['internal', 'vending does not accept this service']
  return new RingfenceError(code, message, { detail: `vending answered ${status} ${error}` })
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
