import type { AuditWriter } from '../audit/audit-writer.ts'
import { DenialThrottle } from '../audit/denial-throttle.ts'
import type { AuditActor, AuditEntry } from '../audit/entry.ts'
import { makeEntry } from '../audit/make-entry.ts'
import { RingfenceError } from '../core/errors.ts'
import type { TenantId } from '../core/tenant.ts'
import { problemOf } from '../http/problem.ts'
import { parseTrace } from '../http/trace-context.ts'
import { Denial } from './denial.ts'
import type { Exchange } from './exchange.ts'
import { FORM_CHECKS } from './form-checks.ts'
import { grantUsed } from './grant-checks.ts'
import { valueOf } from './headers.ts'
import { IDENTITY_CHECKS } from './identity-checks.ts'
import { decidedBy } from './policy-checks.ts'

/** Of callers whom nobody could identify, all together, that are entered one by one in a minute. */
const UNKNOWN_PER_MINUTE = 600
/** Of one tenant's callers. Beyond it they are entered as a number: nobody fills the disk. */
const KNOWN_PER_MINUTE = 3_000
/** Until these have passed, whoever calls is whoever says so. */
const WHO: ReadonlySet<string> = new Set(
  [...FORM_CHECKS, ...IDENTITY_CHECKS].map(({ name }) => name),
)

/** A request that is refused. */
export interface RefusedRequest {
  readonly exchange: Exchange | undefined
  readonly requestId: string
  /** The check that refuses it; undefined when all had let it pass. */
  readonly check: string | undefined
  readonly error: unknown
}

/** Enters what the front door decides, on the gateway's own disk, before anybody is answered. */
export class RequestAudit {
  readonly #writer: AuditWriter
  readonly #unknown = new DenialThrottle(UNKNOWN_PER_MINUTE)
  readonly #known = new Map<TenantId, DenialThrottle>()

  constructor(writer: AuditWriter) {
    this.#writer = writer
  }

  /** That a request may go on. @throws RingfenceError `not_writable`, `overloaded`: then it may not */
  allowed(exchange: Exchange): Promise<void> {
    const draft = draftOf(exchange, exchange.requestId, 'request.allowed', 'allowed')
    return this.#writer.write([
      makeEntry({ ...draft, layer: 'front-door', ...knownPart(exchange) }),
    ])
  }

  /**
   * That a request is refused. Undefined when there is nothing to wait for: it was no decision but an
   * upstream's failure, or one too many, which is only counted.
   * @throws RingfenceError `not_writable`, `overloaded`
   */
  denied(refused: RefusedRequest): Promise<void> | undefined {
    const { exchange, requestId, check, error } = refused
    if (check === undefined && !isDecision(error)) return undefined
    const tenant = whoIsKnown(refused) ? exchange?.tenant?.id : undefined
    const { write, uncounted } = this.#throttle(tenant).next()
    const entries: AuditEntry[] = []
    if (uncounted > 0) entries.push(uncountedEntry(tenant, uncounted))
    if (write) {
      const draft = draftOf(exchange, requestId, 'request.denied', 'denied')
      const claimed = exchange?.tenant?.id
      entries.push(
        makeEntry({
          ...draft,
          layer: check ?? 'body',
          reason: error instanceof Denial ? error.reason : codeOf(error),
          ...(exchange === undefined || tenant === undefined
            ? { detail: { ...draft.detail, ...(claimed && { called_tenant: claimed }) } }
            : knownPart(exchange)),
        }),
      )
    }
    return entries.length === 0 ? undefined : this.#writer.write(entries)
  }

  #throttle(tenant: TenantId | undefined): DenialThrottle {
    if (tenant === undefined) return this.#unknown
    const known = this.#known.get(tenant) ?? new DenialThrottle(KNOWN_PER_MINUTE)
    this.#known.set(tenant, known)
    return known
  }
}

/** What of a request is a fact whoever it is from. Its path and query are what users type. */
function draftOf(
  exchange: Exchange | undefined,
  requestId: string,
  action: 'request.allowed' | 'request.denied',
  decision: AuditEntry['decision'],
) {
  const { head } = exchange ?? {}
  const traceparent = exchange && valueOf(exchange.incoming, 'traceparent')
  return {
    category: 'decision',
    action,
    actor: { kind: 'unknown', id: 'unknown' } as AuditActor,
    decision,
    request_id: requestId,
    trace_id: parseTrace({ traceparent })?.traceId,
    address: head?.address,
    detail: { method: head?.method },
  } as const
}

/** What is a fact once it is known who calls. */
function knownPart(exchange: Exchange) {
  const { tenant, claimed, endpoint, route, head } = exchange
  const grant = grantUsed(exchange)
  const api = endpoint?.name ?? route?.api.name
  return {
    tenant: tenant?.id,
    actor: actorOf(exchange),
    ...(api === undefined ? {} : { object: { type: 'api', id: api } }),
    grant_id: grant?.id,
    detail: {
      method: head.method,
      client: claimed?.client,
      session: claimed?.session,
      token_id: claimed?.id,
      policies: decidedBy(exchange)?.join(' '),
      tool: head.inner?.tool,
      within: head.inner?.within,
    },
  }
}

/** Under a grant, who acts is the partner's principal. */
function actorOf({ claimed }: Exchange): AuditActor {
  if (claimed === undefined) return { kind: 'unknown', id: 'unknown' }
  const { delegation, actor, subject } = claimed
  if (delegation === undefined) return { kind: 'user', id: subject }
  return { kind: 'user', id: actor?.subject ?? subject, tenant: delegation.grantee }
}

function whoIsKnown({ check, exchange }: RefusedRequest): boolean {
  return exchange?.claimed !== undefined && (check === undefined || !WHO.has(check))
}

/** What is refused after the checks: a body, or what goes on too long. Not what failed upstream. */
function isDecision(error: unknown): boolean {
  return error instanceof Denial && problemOf(error).status < 500
}

const codeOf = (error: unknown) => (error instanceof RingfenceError ? error.code : 'internal')

function uncountedEntry(tenant: TenantId | undefined, count: number): AuditEntry {
  return makeEntry({
    tenant,
    category: 'decision',
    action: 'request.denied-uncounted',
    actor: { kind: 'unknown', id: 'unknown' },
    decision: 'denied',
    layer: 'front-door',
    reason: 'too many denials',
    detail: { count },
  })
}
