import type { TenantId } from '../core/tenant.ts'
import type { Act } from './finding.ts'

/** What an act is done to, as it is kept. */
export interface ActObject {
  /** Undefined: the platform's. */
  readonly tenant: TenantId | undefined
  readonly object: string
}

export function objectOf(act: Act): ActObject {
  if (act.kind === 'block-address') return { tenant: undefined, object: act.network }
  const { tenant } = act
  return { tenant, object: act.kind === 'end-session' ? act.session : act.grant }
}
