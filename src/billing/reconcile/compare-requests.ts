import type { TenantId } from '../../core/tenant.ts'
import type { Span } from '../rating/period.ts'
import { type BillingFinding, findingOf } from './finding.ts'
import type { GatewayLog, LoggedRequest, RecordedEvent, RecordedUsage } from './sides.ts'

/** Requests are compared a day at a time, so that memory holds a day of one tenant's. */
const WINDOW_MS = 24 * 3_600_000
/** By how much the two may name another moment for one request. */
const MARGIN_MS = 10 * 60_000

export interface ComparedRequests {
  logged: number
  metered: number
  matched: number
  pending: number
}

/**
 * Compares a tenant's requests as gateways logged them with its usage events, both ways.
 * @param settledTo up to when usage is complete: what is younger may still come
 * @param found gets each finding
 */
export async function compareRequests(
  tenant: TenantId,
  span: Span,
  sides: { readonly log: GatewayLog; readonly recorded: RecordedUsage },
  settledTo: Date,
  found: (finding: BillingFinding) => void,
): Promise<ComparedRequests> {
  const counts: ComparedRequests = { logged: 0, metered: 0, matched: 0, pending: 0 }
  const end = span.to.getTime()
  for (let from = span.from.getTime(); from < end; from += WINDOW_MS) {
    const core = { from: new Date(from), to: new Date(Math.min(end, from + WINDOW_MS)) }
    await compareWindow(tenant, core, sides, settledTo, found, counts)
  }
  return counts
}

async function compareWindow(
  tenant: TenantId,
  core: Span,
  { log, recorded }: { readonly log: GatewayLog; readonly recorded: RecordedUsage },
  settledTo: Date,
  found: (finding: BillingFinding) => void,
  counts: ComparedRequests,
): Promise<void> {
  const wide = {
    from: new Date(core.from.getTime() - MARGIN_MS),
    to: new Date(core.to.getTime() + MARGIN_MS),
  }
  const inCore = ({ at }: { readonly at: Date }) => core.from <= at && at < core.to
  const logged = new Map<string, LoggedRequest>()
  for await (const request of log.read(tenant, wide)) logged.set(request.id, request)
  const events = new Map<string, RecordedEvent>()
  for await (const event of recorded.requests(tenant, wide)) events.set(event.id, event)
  for (const request of logged.values()) {
    if (!inCore(request)) continue
    counts.logged += 1
    const event = events.get(request.id)
    if (event === undefined) {
      if (request.at >= settledTo) counts.pending += 1
      else found(missing(request))
      continue
    }
    counts.matched += 1
    const text = differences(request, event)
    if (text !== undefined) {
      const { at } = request
      found(findingOf({ kind: 'event-differs', about: nameOf(event), at, text, events: [] }))
    }
  }
  for (const event of events.values()) {
    if (!inCore(event)) continue
    counts.metered += 1
    if (!logged.has(event.id)) found(extra(event))
  }
}

function missing({ id, at }: LoggedRequest): BillingFinding {
  const text = 'a gateway logged this request, and no usage event tells of it'
  return findingOf({ kind: 'event-missing', about: id, at, text, events: [] })
}

function extra(event: RecordedEvent): BillingFinding {
  const text = 'a usage event tells of this request, and no gateway logged it'
  const { at } = event
  return findingOf({ kind: 'event-extra', about: nameOf(event), at, text, events: [] })
}

function differences(
  { values: logged }: LoggedRequest,
  { values: metered, counts }: RecordedEvent,
): string | undefined {
  // What was corrected says something else on purpose.
  if (!counts) return undefined
  const other = Object.keys(logged).filter(
    (name) => metered[name] !== undefined && metered[name] !== logged[name],
  )
  if (other.length === 0) return undefined
  return other
    .map((name) => `${name}: ${logged[name]} in the log, ${metered[name]} metered`)
    .join('; ')
}

export function nameOf({ source, id }: Pick<RecordedEvent, 'source' | 'id'>): string {
  return `${source} ${id}`
}
