import type { TenantConfig } from '../snapshot/snapshot.ts'
import { KeySet } from '../tokens/verify-token.ts'

const NONE = new KeySet([])
const sets = new WeakMap<TenantConfig, KeySet>()

/** The keys that verify a tenant's tokens. None for a tenant that there is not, or whose keys clash. */
export function realmKeys(tenant: TenantConfig | undefined): KeySet {
  if (tenant === undefined) return NONE
  const known = sets.get(tenant)
  if (known !== undefined) return known
  const made = keySetOf(tenant)
  sets.set(tenant, made)
  return made
}

function keySetOf({ keys }: TenantConfig): KeySet {
  try {
    return new KeySet(keys)
  } catch {
    return NONE
  }
}
