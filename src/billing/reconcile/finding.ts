import type { TenantId } from '../../core/tenant.ts'
import { contentHash } from '../invoices/canonical.ts'

export const FINDING_KINDS = [
  /** A request in a gateway's log that no usage event tells of. */
  'event-missing',
  /** A usage event of a request that no gateway's log knows. */
  'event-extra',
  /** Both know it, and say other numbers of it. */
  'event-differs',
  /** A meter says something else than its events. */
  'meter-differs',
  /** An invoice says something else than its meter, and events that came late do not explain it. */
  'invoice-differs',
  /** Events came after the invoice: the next one corrects it. */
  'invoice-behind',
] as const
export type FindingKind = (typeof FINDING_KINDS)[number]

/** One thing that does not agree, by the name of the event or the line that it is about. */
export interface BillingFinding {
  /** The same for the same thing, however often it is found. */
  readonly id: string
  readonly kind: FindingKind
  /** `source id` of an event, or `number charge` of an invoice's line. */
  readonly about: string
  readonly at: Date
  readonly text: string
  /** Other events that explain it. */
  readonly events: readonly string[]
}

export function findingOf(finding: Omit<BillingFinding, 'id'>): BillingFinding {
  const { kind, about } = finding
  return { id: contentHash([kind, about]).slice(0, 32), ...finding }
}

export interface Reconciliation {
  readonly tenant: TenantId
  readonly period: string
  readonly at: Date
  readonly logged: number
  readonly metered: number
  readonly matched: number
  /** Requests that are too young for their events to be missed, or whose usage is not complete yet. */
  readonly pending: number
  readonly linesCompared: number
  /** Undefined where there is no log to compare with: then only meters and invoices were. */
  readonly logCompared: boolean
  readonly findings: readonly BillingFinding[]
  /** Findings that are not listed. */
  readonly more: number
}
