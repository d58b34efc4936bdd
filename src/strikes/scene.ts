import type { Finding } from '../core/finding.ts'
import type { TenantId } from '../core/tenant.ts'
import type { Judged } from './judge-strike.ts'

/** What a rehearsal plays on: a part of the platform with tenants in it, put together from pieces. */
export interface Scene<
  Party extends { readonly tenant: TenantId },
  Duel extends Judged,
  Pieces,
  Inside,
> {
  /** The tenants, in the rehearsal's order. */
  readonly parties: readonly Party[]
  readonly pieces: Pieces
  /** What a mutant may change besides the pieces. */
  readonly inside: Inside
  /** Whether an administrator, past what is attacked, sees all that was planted for a tenant. */
  showsCanariesOf(party: Party): Promise<boolean>
  duel(attacker: Party, victim: Party): Duel
  inspect(): Promise<readonly Finding[]>
  /** The same tenants behind other pieces. Closing the copy leaves this one as it is. */
  copy(pieces: Pieces): Promise<Scene<Party, Duel, Pieces, Inside>>
  close(): Promise<void>
}
