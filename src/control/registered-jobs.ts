import { z } from 'zod'
import { RingfenceError } from '../core/errors.ts'
import { type Scope, SCOPES } from '../core/lease.ts'
import { parseClientId, parseSubject, type ServiceName } from '../core/names.ts'
import { parsed } from '../core/parsed.ts'
import { parseTenantId, type TenantId } from '../core/tenant.ts'
import type { WorkloadConfig } from '../snapshot/snapshot.ts'
import { UsedAssertions, verifyClientAssertion } from '../tokens/client-assertion.ts'
import type { SigningKey } from '../tokens/signing-key.ts'
import { signContext } from '../tokens/tenant-context.ts'
import { KeySet } from '../tokens/verify-token.ts'
import { recordAct, requireScope } from './act.ts'
import type { Actor, Jobs } from './control-plane.ts'
import type { Database } from './database.ts'
import type { PlatformBase } from './platform-publisher.ts'
import { SUPPORT_SERVICE } from './support/support-service.ts'
import { takeOnce } from './take-once.ts'

const JOB = /^[a-z][a-z0-9-]{0,63}$/
const SECONDS_MAX = 3_600
const REASON_CHARACTERS_MAX = 500
/** How long an assertion's id is remembered, in seconds: longer than it can be valid. */
const ASSERTION_SECONDS = 180

type Request = Parameters<Jobs['contexts']>[0]

/** Contexts for work that no user asks for. */
export class RegisteredJobs implements Jobs {
  readonly #database: Database
  readonly #platform: Pick<PlatformBase, 'services' | 'workloads'>
  readonly #key: SigningKey
  readonly #audience: string
  readonly #used = new UsedAssertions()

  /** @param audience of the client assertions that workloads present here */
  constructor(
    database: Database,
    platform: Pick<PlatformBase, 'services' | 'workloads'>,
    key: SigningKey,
    audience: string,
  ) {
    this.#database = database
    this.#platform = platform
    this.#key = key
    this.#audience = audience
  }

  async authenticate(
    assertion: string,
    requestId: string,
  ): Promise<Actor & { readonly service: ServiceName }> {
    try {
      const client = await verifyClientAssertion(
        assertion,
        this.#audience,
        (id) => {
          const keys = this.#workload(id)?.keys
          return keys === undefined ? undefined : new KeySet(keys)
        },
        this.#used,
      )
      const workload = this.#workload(client)
      // Another control process may have seen it.
      const fresh = await takeOnce(this.#database, `assertion:${assertion}`, ASSERTION_SECONDS)
      if (workload === undefined || !fresh) throw new RingfenceError('invalid_token', 'used before')
      return {
        kind: 'workload',
        name: client,
        scopes: ['jobs:write'],
        requestId,
        service: workload.service,
      }
    } catch (error) {
      if (!(error instanceof RingfenceError) || error.code !== 'invalid_token') throw error
      throw new RingfenceError('not_authenticated', 'the client assertion is not valid', {
        cause: error,
      })
    }
  }

  /** @throws RingfenceError `invalid_argument`, `forbidden`, `not_found` for a tenant that is not served */
  async contexts(request: Request, by: Actor) {
    requireScope(by, 'jobs:write')
    this.#check(request, by)
    const { job, service, seconds } = request
    const scopes = SCOPES.filter((scope) => request.scopes.includes(scope))
    const expiresAt = new Date((Math.floor(Date.now() / 1000) + seconds) * 1000)
    const tenants = await this.#served(request.tenants)
    const signed = await Promise.all(
      tenants.map(async (tenant) => ({
        tenant,
        token: await signContext(
          this.#key,
          {
            kind: 'job',
            tenant,
            service,
            subject: parseSubject(`job:${job}`),
            scopes,
            roles: [],
            requestId: by.requestId,
          },
          seconds,
        ),
        expiresAt,
      })),
    )
    // No context leaves that is not in the record.
    await this.#record(request, scopes, tenants, expiresAt, by)
    return signed
  }

  #check(request: Request, by: Actor): void {
    const { job, service, scopes, seconds, reason } = request
    if (!JOB.test(job)) {
      throw new RingfenceError('invalid_argument', 'a job is a name like nightly-report')
    }
    if (!(Number.isInteger(seconds) && seconds >= 1 && seconds <= SECONDS_MAX)) {
      throw new RingfenceError(
        'invalid_argument',
        `a job context lives 1 to ${SECONDS_MAX} seconds`,
      )
    }
    if (reason.trim() === '' || reason.length > REASON_CHARACTERS_MAX) {
      throw new RingfenceError(
        'invalid_argument',
        'a job gives a reason, in at most 500 characters',
      )
    }
    if (scopes.length === 0) throw new RingfenceError('invalid_argument', 'a job has scopes')
    if (by.kind === 'workload') {
      const workload = this.#workload(parseClientId(by.name))
      const within =
        workload?.service === service && scopes.every((scope) => workload.scopes.includes(scope))
      if (!within) {
        throw new RingfenceError('forbidden', 'a workload gets contexts of its service and scopes')
      }
    }
    // A person's way to a tenant's data is no job: its tenant has a say in it, and sees it.
    if (service === SUPPORT_SERVICE) {
      throw new RingfenceError('forbidden', 'ask for support access: ringfence support request')
    }
    if (!this.#platform.workloads.some((workload) => workload.service === service)) {
      throw new RingfenceError('invalid_argument', 'there is no such service')
    }
  }

  async #served(wanted: readonly TenantId[] | undefined): Promise<readonly TenantId[]> {
    const rows = await this.#database.query(
      `select id from registry.tenant where serving in ('active', 'paused')
          and ($1::text[] is null or id = any ($1)) order by id`,
      [wanted ?? null],
    )
    const row = z.object({ id: parsed(parseTenantId) })
    const found = rows.map((one) => row.parse(one).id)
    if (wanted !== undefined && found.length < new Set(wanted).size) {
      throw new RingfenceError('not_found', 'no such active tenant')
    }
    return found
  }

  async #record(
    { job, service, reason }: Request,
    scopes: readonly Scope[],
    tenants: readonly TenantId[],
    expiresAt: Date,
    by: Actor,
  ): Promise<void> {
    await this.#database.transaction(async (tx) => {
      await tx.query(
        `insert into registry.job_issue
           (job, service, tenant, scopes, expires_at, reason, by, request_id)
         select $1, $2, tenant, $4, $5, $6, $7, $8 from unnest($3::text[]) as tenant`,
        [job, service, tenants, scopes, expiresAt, reason, by.name, by.requestId],
      )
      const about = tenants.map((tenant) => ({ tenant, detail: { service, scopes } }))
      const detail = { service, scopes, tenants: tenants.length }
      await recordAct(tx, by, 'job.contexts', job, detail, about)
    })
  }

  #workload(client: string): WorkloadConfig | undefined {
    return this.#platform.workloads.find((workload) => workload.client === client)
  }
}
