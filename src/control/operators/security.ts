import type { TenantId } from '../../core/tenant.ts'
import type { Actor } from '../control-plane.ts'

/** What is done when something has got out. */
export interface Security {
  /**
   * The realm's next key is published; `compromised` replaces all, so that nothing that was signed
   * before is good any more. @throws ApprovalRequired for that
   */
  replaceKeys(tenant: TenantId, compromised: boolean, by: Actor): Promise<void>
  /** Voids every token and session of every realm that was issued until now. @throws ApprovalRequired */
  revokeEverything(why: string, by: Actor): Promise<{ readonly at: Date }>
}
