import { AsyncLocalStorage } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { DenialThrottle } from '../audit/denial-throttle.ts'
import type { AuditActor, Category } from '../audit/entry.ts'
import { type AuditDraft, makeEntry } from '../audit/make-entry.ts'
import { type SubmitClient, submitEntries } from '../audit/submit-entries.ts'
import { OPERATORS_REALM } from '../core/operators-realm.ts'
import type { TenantId } from '../core/tenant.ts'
import { parseTrace } from '../http/trace-context.ts'

/** On whose behalf something is done, as far as the request that is being served says. */
interface Acting {
  actor: AuditActor
  readonly address?: string | undefined
  readonly requestId: string
  readonly traceId?: string | undefined
}

const NOBODY: AuditActor = { kind: 'platform', id: 'identity' }
const running = new AsyncLocalStorage<Acting>()

/** Serves a request: what it brings about is entered with where it came from. */
export function duringRequest<T>(
  request: Pick<IncomingMessage, 'headers'> & { readonly address?: string },
  work: () => T,
): T {
  const header = request.headers['traceparent']
  const traceId =
    typeof header === 'string' ? parseTrace({ traceparent: header })?.traceId : undefined
  return running.run(
    { actor: NOBODY, address: request.address, requestId: randomUUID(), traceId },
    work,
  )
}

/** Does something in the name of the control plane, which has entered who asked it to. */
export function duringControl<T>(by: string, work: () => T): T {
  const actor = { kind: 'platform', id: by } as const
  return running.run({ actor, requestId: randomUUID() }, work)
}

/** From here on, what the request brings about is this one's doing: it has shown that it is. */
export function actAs(actor: AuditActor): void {
  const acting = running.getStore()
  if (acting !== undefined) acting.actor = actor
}

export type RealmDraft = Omit<AuditDraft, 'actor' | 'layer' | 'tenant'> &
  Partial<Pick<AuditDraft, 'actor' | 'layer'>>

/** The operators' realm is the platform's own, as nobody's is, and so is what happens there. */
function entryOf(tenant: TenantId | undefined, draft: RealmDraft) {
  const acting = running.getStore()
  return makeEntry({
    layer: 'identity',
    actor: acting?.actor ?? NOBODY,
    address: acting?.address,
    request_id: acting?.requestId,
    trace_id: acting?.traceId,
    ...draft,
    tenant: tenant === OPERATORS_REALM || tenant === '' ? undefined : tenant,
  })
}

/**
 * Enters what happened in a realm in its tenant's log: in the transaction that does it, or, for what does
 * not happen and must still be known, by itself. When it throws, nobody may be told that it was done.
 */
export async function enter(
  rows: SubmitClient,
  tenant: TenantId | undefined,
  ...drafts: readonly RealmDraft[]
): Promise<void> {
  await submitEntries(
    rows,
    drafts.map((draft) => entryOf(tenant, draft)),
  )
}

/** By the first word of an action. What is not here is about users and who may what. */
const CATEGORIES: Readonly<Record<string, Category>> = {
  keys: 'keys',
  realm: 'configuration',
  source: 'configuration',
}

/** Enters a change of what a realm consists of: `user.created`. */
export function enterChange(
  rows: SubmitClient,
  tenant: TenantId,
  action: `${string}.${string}`,
  id: string,
  detail: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const [type = ''] = action.split('.')
  const category = CATEGORIES[type] ?? 'directory'
  return enter(rows, tenant, { category, action, object: { type, id }, decision: 'done', detail })
}

/**
 * Enters what somebody was refused whom nobody could identify: one by one up to a bound, so that whoever
 * reaches the door cannot fill the disk, and beyond it as a number.
 */
export async function enterDenial(
  rows: SubmitClient,
  throttle: DenialThrottle,
  tenant: TenantId,
  draft: Pick<RealmDraft, 'action' | 'reason' | 'detail' | 'object'>,
): Promise<void> {
  const { write, uncounted } = throttle.next()
  const denial = {
    category: 'authentication',
    actor: { kind: 'unknown', id: 'unknown' },
    decision: 'denied',
    ...draft,
  } as const
  if (uncounted > 0) {
    await enter(rows, undefined, {
      ...{ category: 'authentication', action: 'denials.uncounted', decision: 'denied' },
      detail: { count: uncounted },
    })
  }
  if (write) await enter(rows, tenant, denial)
}
