import type { SupportState } from '../../core/support-terms.ts'

/** What can happen to an access. */
export const SUPPORT_EVENTS = ['approve', 'consent', 'deny', 'end', 'expire', 'revoke'] as const
export type SupportEvent = (typeof SUPPORT_EVENTS)[number]

/** Who has to agree before it becomes active. */
export interface Needs {
  readonly secondPerson: boolean
  readonly consent: boolean
}

/** Where it begins. Undefined agreement is none that was forgotten: the policy asks for nobody. */
export function firstState({ secondPerson, consent }: Needs): SupportState {
  return secondPerson || consent ? 'requested' : 'active'
}

/**
 * Where it stands after the event; undefined when the event means nothing there. An access becomes
 * active by nothing but the last agreement that it needs, and an end is for ever.
 */
export function nextState(
  state: SupportState,
  event: SupportEvent,
  needs: Needs,
): SupportState | undefined {
  switch (state) {
    case 'requested':
      if (event === 'approve' && needs.secondPerson) return needs.consent ? 'approved' : 'active'
      if (event === 'consent' && needs.consent) return needs.secondPerson ? 'consented' : 'active'
      return ending(event)
    case 'approved':
      return event === 'consent' ? 'active' : ending(event)
    case 'consented':
      return event === 'approve' ? 'active' : ending(event)
    case 'active':
      return event === 'deny' ? 'revoked' : ending(event)
    default:
      return undefined
  }
}

function ending(event: SupportEvent): SupportState | undefined {
  switch (event) {
    case 'deny':
      return 'denied'
    case 'end':
      return 'ended'
    case 'expire':
      return 'expired'
    case 'revoke':
      return 'revoked'
    default:
      return undefined
  }
}
