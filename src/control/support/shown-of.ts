import type { ShownSupport } from '../../core/support-terms.ts'
import type { SupportView } from './support.ts'

/** What the tenant is shown of an access: the terms, and all that became of it. */
export function shownOf(view: SupportView): ShownSupport {
  const { id, tenant, operator, scope, seconds, reason, policy } = view
  const { state, requestedAt, decideBy, endsAt, changes, revision } = view
  return {
    ...{ id, tenant, operator, scope, seconds, reason, policy },
    ...{ state, requestedAt, decideBy, endsAt, changes, revision },
  }
}
