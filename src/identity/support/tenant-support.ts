import type { Subject } from '../../core/names.ts'
import type { SupportState } from '../../core/support-terms.ts'
import { needsConsent } from '../../core/support-terms.ts'
import type { SupportAccess, SupportCase } from '../pages/account/sources.ts'
import type { RecordedSupport, SupportRecord } from './support-record.ts'

/** The tenant's record as its account pages show it. */
export function tenantSupport(record: SupportRecord): SupportAccess {
  return {
    mayDecide: (tenant, subject) => record.mayDecide(tenant, subject),
    list: async (tenant) => (await record.list(tenant)).map(caseOf),
    consent: (tenant, id, by: Subject) => record.consent(tenant, id, by),
    deny: (tenant, id, by: Subject) => record.deny(tenant, id, by),
    revoke: (tenant, id, by: Subject) => record.revoke(tenant, id, by),
  }
}

/** What the tenant has said counts from the moment at which it was said. */
function caseOf(access: RecordedSupport): SupportCase {
  const { id, operator, reason, scope, requestedAt, endsAt, said, policy } = access
  const has = (kind: string) => said.some((one) => one.kind === kind)
  const waits = access.state === 'requested' || access.state === 'approved'
  const over = has('revoke') ? 'revoked' : has('deny') ? 'denied' : undefined
  const open = waits || access.state === 'consented' || access.state === 'active'
  return {
    id,
    operator,
    reason,
    scope,
    requestedAt,
    endsAt,
    state: (open ? over : undefined) ?? stateOf(access.state, has('consent')),
    awaitsConsent: waits && over === undefined && !has('consent') && needsConsent(policy),
  }
}

/** In the tenant's view it is approved when the tenant itself has agreed. */
function stateOf(state: SupportState, consented: boolean): SupportCase['state'] {
  if (state === 'consented') return 'approved'
  if (state === 'requested' || state === 'approved') return consented ? 'approved' : 'requested'
  return state
}
