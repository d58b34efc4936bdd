import { createHash } from 'node:crypto'
import type { TenantId } from '../../core/tenant.ts'

/** Acts that one person alone does not do. The list is closed. */
export const GUARDED_KINDS = [
  'operator-create',
  'operator-widen',
  'hold-lift',
  'purge',
  'keys-replace',
  'support-access',
  'approval-settings',
  'revoke-everything',
  'realm-access',
] as const
export type GuardedKind = (typeof GUARDED_KINDS)[number]

/** One such act. Who approves it approves exactly this. */
export interface GuardedAct {
  readonly kind: GuardedKind
  readonly tenant?: TenantId
  /** What it is done to: an operator's name, a plan. */
  readonly subject: string
  /** One line for whoever decides. */
  readonly summary: string
  /** People whom it is about, for whoever decides; forgotten when that is done. */
  readonly names?: string | undefined
  /** All that it asks for. JSON. */
  readonly detail: Readonly<Record<string, unknown>>
}

/** Names the act as a whole: another detail is another act, for which another approval is needed. */
export function actDigest({ kind, tenant, subject, detail }: GuardedAct): Buffer {
  const text = JSON.stringify([kind, tenant ?? null, subject, sorted(detail)])
  return createHash('sha256').update(text).digest()
}

/** JSON in one spelling, whatever the order in which fields were named. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.entries(value)
    .filter(([, one]) => one !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, one]) => [name, sorted(one)])
}
