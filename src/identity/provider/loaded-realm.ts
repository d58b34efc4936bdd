import type { TenantId } from '../../core/tenant.ts'
import type { RealmKey, RealmKeys } from '../realm-keys.ts'
import type { RealmStore } from '../realm-store.ts'
import type { SealingKey } from '../sealing-key.ts'
import type { RealmContext } from './realm-context.ts'
import { realmSecret } from './realm-secret.ts'

/** A realm as it is at one version, with all that its provider is made from. Secret. */
export interface LoadedRealm extends Omit<RealmContext, 'provider'> {
  readonly version: number
  readonly keys: readonly RealmKey[]
  /** When another key begins to sign, if one waits: the provider is made anew then. */
  readonly changesAt: Date | undefined
}

/** Reads an open realm; undefined for one that is not there or not open. */
export async function loadRealm(
  tenant: TenantId,
  store: RealmStore,
  keys: RealmKeys,
  sealing: SealingKey,
): Promise<LoadedRealm | undefined> {
  const row = await store.find(tenant)
  if (row?.open !== true) return undefined
  const opened = await keys.opened(tenant)
  const now = Date.now()
  const next = opened
    .map(({ usableFrom }) => usableFrom?.getTime() ?? 0)
    .filter((time) => time > now)
  const { issuer, displayName, version, settings } = row
  return {
    tenant,
    issuer,
    displayName,
    version,
    settings,
    keys: opened,
    changesAt: next.length === 0 ? undefined : new Date(Math.min(...next)),
    cookies: cookiesOf(issuer),
    deriveKey: realmSecret(sealing, tenant, row.sealedSecret),
  }
}

/** A cookie of `/realms/acme` is sent to no other path; on its own domain the realm is all there is. */
export function cookiesOf(issuer: string): RealmContext['cookies'] {
  const { protocol, pathname } = new URL(issuer)
  return { path: pathname, secure: protocol === 'https:' }
}
