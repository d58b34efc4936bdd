import type { AuditActor, AuditEntry } from '../audit/entry.ts'
import { makeEntry } from '../audit/make-entry.ts'
import type { BillingAct } from './invoices/invoices.ts'

/** By whom a schedule acts. */
export const SCHEDULE = 'schedule'

/**
 * What is entered of an act: in the tenant's log, which does not name the platform's people, and in the
 * platform's, which does.
 */
export function billingEntries(act: BillingAct): readonly AuditEntry[] {
  const { action, tenant, number, document, by, at, reason, hash } = act
  const kind = by === SCHEDULE ? 'platform' : 'operator'
  const entry = (actor: AuditActor, of: { readonly tenant?: typeof tenant }, about: object) =>
    makeEntry({
      ...of,
      time: at,
      category: 'billing',
      action,
      actor,
      object: { type: 'invoice', id: number },
      decision: 'done',
      layer: 'billing',
      reason,
      detail: { document, sha256: hash, ...about },
    })
  return [entry({ kind, id: kind }, { tenant }, {}), entry({ kind, id: by }, {}, { tenant })]
}
