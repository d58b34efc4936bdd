import { randomBytes } from 'node:crypto'
import type { TenantId } from '../../core/tenant.ts'

/** One tenant of a rehearsal, with all that is its own. */
export interface Party {
  readonly tenant: TenantId
  /** The operator who acts for it: whoever reads this name has read the tenant's history. */
  readonly person: string
  /** In what it is called. */
  readonly nameCanary: string
  /** In its data, and so in its exports. */
  readonly rowCanary: string
  /** Holds its leases, in the ledger. */
  readonly holderCanary: string
}

export function makeParty(tenant: TenantId): Party {
  const canary = (kind: string) => `${kind}-canary-${randomBytes(8).toString('hex')}`
  return {
    tenant,
    person: canary('person'),
    nameCanary: canary('name'),
    rowCanary: canary('row'),
    holderCanary: canary('holder'),
  }
}

/** What nobody but the tenant's own people may read. */
export function canariesOf(party: Party): readonly string[] {
  return [party.person, party.nameCanary, party.rowCanary, party.holderCanary]
}
