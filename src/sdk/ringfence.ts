import type pg from 'pg'
import { RingfenceError } from '../core/errors.ts'
import type { Scope } from '../core/lease.ts'
import { parseClientId, parseServiceName, type ServiceName } from '../core/names.ts'
import type { TenantId } from '../core/tenant.ts'
import type { Lag } from '../journal/shipper.ts'
import { verifyContext } from '../tokens/tenant-context.ts'
import { type ContextKeySource, fixedKeys, KeyFile } from './context-keys.ts'
import { WorkloadIdentity } from './identity.ts'
import { type AccessQuestion, DecisionClient } from './decision-client.ts'
import { JobClient, type JobRequest, type JobToken } from './job-client.ts'
import { LeaseBook, type Seat, seatOf } from './lease-book.ts'
import { Loan } from './lent-client.ts'
import { optionsFromEnvironment, type RingfenceOptions } from './options.ts'
import type { TenantPoolStats } from './postgres/pool-options.ts'
import { TenantPool } from './postgres/tenant-pool.ts'
import { type IncomingRequest, tokenOfRequest, traceHeadersOf } from './request.ts'
import { type JobOptions, type JobReport, runJob } from './run-job.ts'
import {
  newTrace,
  parseTrace,
  type TraceContext,
  type TraceHeaders,
  traceHeaders,
} from '../http/trace-context.ts'
import { sqlTag } from './sql-tag.ts'
import { inSpan, type ServiceTracer } from './tracing.ts'
import { inTransaction } from './transaction.ts'
import { type Usage, UsageRecorder } from './usage-recorder.ts'
import { type Asking, type VendedLease, VendingClient } from './vending-client.ts'
import { type VerifiedContext, VerifiedContexts } from './verified-context.ts'

const LEASE_MS_MAX = 5_000
const SESSIONS_MAX = 40
/** Logins with a lease for one call: the second is with one that was asked for after a refusal. */
const LEASES_MAX = 2
/** A lease this young leads to where its tenant is now. Milliseconds. */
const FRESH_MS = 2_000

export interface WithTenantOptions {
  /** What the lease may do. Default `read`. */
  readonly scope?: Scope
}

/** What the work on one tenant of a job may want to know. */
export interface JobInfo {
  readonly tenant: TenantId
  readonly context: VerifiedContext
}

/**
 * A service's door to its tenants' data. Every way in goes through a tenant context that was verified
 * here: there is no call that takes a tenant's id.
 */
export class Ringfence {
  readonly service: ServiceName
  readonly #keys: ContextKeySource
  readonly #contexts = new VerifiedContexts()
  readonly #vending: VendingClient
  readonly #jobs: JobClient | undefined
  readonly #decisions: DecisionClient | undefined
  readonly #usage: UsageRecorder | undefined
  readonly #leases = new LeaseBook()
  readonly #tracer: ServiceTracer | undefined
  readonly #sqlTags: NonNullable<RingfenceOptions['sqlTags']>
  readonly #pool: TenantPool<Seat>
  readonly #closing = new AbortController()

  /** @throws RingfenceError `invalid_argument` */
  constructor(options: RingfenceOptions) {
    const { contextKeys, pool = {}, leaseMsMax: deadlineMs = LEASE_MS_MAX } = options
    this.service = parseServiceName(options.service)
    const identity = new WorkloadIdentity(parseClientId(options.clientId), options.clientKey)
    this.#keys = typeof contextKeys === 'string' ? new KeyFile(contextKeys) : fixedKeys(contextKeys)
    this.#vending = new VendingClient({ ...options.vending, identity, deadlineMs })
    this.#jobs =
      options.control &&
      new JobClient({ ...options.control, identity, service: this.service, deadlineMs })
    this.#decisions =
      options.decisions && new DecisionClient({ ...options.decisions, identity, deadlineMs })
    this.#usage =
      options.usage &&
      new UsageRecorder({
        ...options.usage,
        identity,
        service: this.service,
        tokenOf: (context) => this.#contexts.pastTokenOf(context),
      })
    this.#tracer = options.tracer
    this.#sqlTags = options.sqlTags ?? 'sampled'
    this.#pool = new TenantPool<Seat>({
      sessionsMax: SESSIONS_MAX,
      // They are for one server, and tenants are on several.
      spareSockets: 0,
      ...pool,
      session: { application_name: this.service, ...pool.session },
      lease: async (seat) => this.#leases.lease(seat),
    })
  }

  /** With the options of the environment (`RINGFENCE_…`). @throws RingfenceError `invalid_argument` */
  static fromEnvironment(
    options: Partial<RingfenceOptions> = {},
    environment: Readonly<Record<string, string | undefined>> = process.env,
  ): Ringfence {
    return new Ringfence({ ...optionsFromEnvironment(environment), ...options })
  }

  /**
   * Verifies a tenant context for this service.
   * @throws RingfenceError `invalid_token`; `engine_unavailable` when the keys cannot be read
   */
  async verify(token: string, trace: TraceHeaders = {}): Promise<VerifiedContext> {
    const keys = await this.#keys.current()
    const contents = await verifyContext(token, keys, this.service).catch(async (error) => {
      // It may be signed by a key that is newer than those in hand.
      if (!(await this.#keys.refresh())) throw error
      return verifyContext(token, await this.#keys.current(), this.service)
    })
    return this.#contexts.enter(contents, token, parseTrace(trace) ?? newTrace())
  }

  /** Verifies the context of a request, which has exactly one. @throws as `verify` does */
  async verifyRequest(request: IncomingRequest): Promise<VerifiedContext> {
    return this.verify(tokenOfRequest(request), traceHeadersOf(request))
  }

  /**
   * Runs `work` with a database session that can reach the context's tenant and no other. The session
   * is `work`'s until it settles; what it leaves open is rolled back and undone.
   * @throws RingfenceError `invalid_token` (not verified here, or expired), `forbidden` (the scope),
   *   `lease_denied`, `rate_limited`, `overloaded`, `timed_out`, `engine_unavailable`; and what
   *   `work` throws
   */
  async withTenant<T>(
    context: VerifiedContext,
    work: (db: pg.ClientBase) => Promise<T>,
    { scope = 'read' }: WithTenantOptions = {},
  ): Promise<T> {
    const token = this.#contexts.tokenOf(context)
    if (!context.scopes.includes(scope)) {
      throw new RingfenceError('forbidden', `the tenant context does not allow to ${scope}`)
    }
    const attributes = {
      'tenant.id': context.tenant,
      'ringfence.scope': scope,
      'ringfence.service': this.service,
    }
    return inSpan(this.#tracer, 'ringfence with-tenant', context.trace, attributes, (trace) =>
      this.#withSession(context, { token, scope, trace, signal: this.#closing.signal }, work),
    )
  }

  async #withSession<T>(
    context: VerifiedContext,
    asking: Asking,
    work: (db: pg.ClientBase) => Promise<T>,
  ): Promise<T> {
    const seat = seatOf(context, asking.scope)
    const tag = this.#tagOf(asking.trace)
    await this.#leases.ensure(seat, () => this.#vending.exchange(asking))
    for (let leases = 1; ; leases += 1) {
      const lease = this.#leases.lease(seat)
      let begun = false
      try {
        return await this.#pool.use(seat, (client) => {
          begun = true
          return lend(client, work, tag)
        })
      } catch (error) {
        const another = begun || leases === LEASES_MAX ? undefined : wayOut(error, lease)
        if (another === undefined) throw error
        await this.#leases.replace(seat, lease.lease_id, () =>
          another === 'recall'
            ? this.#vending.replace(asking, lease.lease_id)
            : this.#vending.exchange(asking),
        )
      }
    }
  }

  #tagOf({ traceId, spanId, flags }: TraceContext): string {
    const isSampled = (Number.parseInt(flags, 16) & 1) === 1
    if (this.#sqlTags === 'never' || (this.#sqlTags === 'sampled' && !isSampled)) return ''
    return sqlTag({ service: this.service, traceparent: `00-${traceId}-${spanId}-${flags}` })
  }

  /**
   * As `withTenant`, in one transaction that is committed when `work` succeeds. Scope `write` unless
   * told otherwise.
   * @throws as `withTenant` does, and RingfenceError `conflict` when the server rolled back instead
   */
  transaction<T>(
    context: VerifiedContext,
    work: (db: pg.ClientBase) => Promise<T>,
    { scope = 'write' }: WithTenantOptions = {},
  ): Promise<T> {
    return this.withTenant(context, (db) => inTransaction(db, () => work(db)), { scope })
  }

  /**
   * Runs `work` for every active tenant, each with a context and a lease of its own. The control plane
   * records the run and its reason. A tenant that fails does not stop the others: see the report.
   * @throws RingfenceError when no contexts can be had: `invalid_argument`, `forbidden`,
   *   `rate_limited`, `engine_unavailable`, `internal`
   */
  async forEachTenant<T>(
    request: JobRequest,
    work: (db: pg.ClientBase, info: JobInfo) => Promise<T>,
    options: JobOptions<T> = {},
  ): Promise<JobReport<T>> {
    const jobs = this.#jobs
    if (jobs === undefined) {
      throw new RingfenceError('invalid_argument', 'jobs need the address of the control plane')
    }
    const trace = newTrace()
    const { signal } = this.#closing
    const scope: Scope = request.scopes.includes('write') ? 'write' : 'read'
    const tokens = await jobs.contexts(request, trace, signal)
    const one = async (item: JobToken): Promise<T> => {
      const context = await this.#verifyJob(item, trace).catch(async (error: unknown) => {
        // Its turn came late: the token has expired since.
        const [again] = await jobs.contexts(request, trace, signal, item.tenant)
        if (again === undefined) throw error
        return this.#verifyJob({ ...again, tenant: item.tenant }, trace)
      })
      const info = { tenant: context.tenant, context }
      return this.withTenant(context, (db) => work(db, info), { scope })
    }
    return runJob(tokens, one, options)
  }

  /**
   * Whether the tenant's policies allow the context's user something, asked of the decision point. A
   * decision is used again for 5 seconds at most, for the very same context and question.
   * @throws RingfenceError `invalid_token`, `invalid_argument`; `engine_unavailable`, `overloaded`,
   *   `timed_out` where nobody decides: then it is not allowed
   */
  async allows(context: VerifiedContext, question: AccessQuestion): Promise<boolean> {
    const token = this.#contexts.tokenOf(context)
    if (this.#decisions === undefined) {
      throw new RingfenceError('invalid_argument', 'decisions need the address of their point')
    }
    const { subject, expiresAt, trace } = context
    const asking = { token, subject, expiresAt, trace, signal: this.#closing.signal }
    const decision = await this.#decisions.decide(asking, question)
    return decision === 'no-policies' ? question.withoutPolicies === 'allow' : decision === 'allow'
  }

  /** As `allows`, and @throws RingfenceError `forbidden` for what is not allowed */
  async authorize(context: VerifiedContext, question: AccessQuestion): Promise<void> {
    if (await this.allows(context, question)) return
    throw new RingfenceError('forbidden', 'a policy does not allow this')
  }

  /**
   * Records what the context's tenant used, for its bill: whoever pays for what is done in the context. On
   * return it is on this process's disk (`usage.spool`), from which it is sent on, also after a kill.
   * @throws RingfenceError `invalid_token` (not verified here), `invalid_argument`, `overloaded` while too
   *   much waits, `not_writable`: then it is not recorded
   */
  async recordUsage(context: VerifiedContext, ...usages: readonly Usage[]): Promise<void> {
    if (this.#usage === undefined) {
      throw new RingfenceError('invalid_argument', 'usage needs the address of the records plane')
    }
    await this.#usage.record(context, ...usages)
  }

  /** How much of the recorded usage is not yet sent on; undefined where none is recorded. */
  usageLag(): Promise<Lag> | undefined {
    return this.#usage?.lag()
  }

  /** What the pool holds and how it fares. */
  stats(): TenantPoolStats & { readonly leases: number } {
    return { ...this.#pool.stats(), leases: this.#leases.size }
  }

  /** Refuses new work, waits for what is under way, and ends every session. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#pool.close()
    await this.#usage?.close()
  }

  async #verifyJob({ tenant, token }: JobToken, trace: TraceContext): Promise<VerifiedContext> {
    const context = await this.verify(token, traceHeaders(trace))
    if (context.kind === 'job' && context.tenant === tenant) return context
    throw new RingfenceError('invalid_token', 'the job context is not what was asked for')
  }
}

async function lend<T>(
  client: pg.ClientBase,
  work: (db: pg.ClientBase) => Promise<T>,
  tag: string,
): Promise<T> {
  const loan = new Loan(client, tag)
  try {
    return await work(loan.db)
  } finally {
    loan.end()
  }
}

/**
 * What to do about a lease that opened no session. Refused: it has ended, and vending has to be told.
 * Unreachable: the tenant may have moved to another server since. Else, or when it was asked for just
 * now, nothing.
 */
function wayOut(error: unknown, { askedAt }: VendedLease): 'recall' | 'exchange' | undefined {
  if (!(error instanceof RingfenceError)) return undefined
  if (error.code === 'lease_denied') return 'recall'
  const old = Date.now() - askedAt > FRESH_MS
  return error.code === 'engine_unavailable' && old ? 'exchange' : undefined
}
