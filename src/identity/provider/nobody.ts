import { randomBytes } from 'node:crypto'
import type { TenantId } from '../../core/tenant.ts'
import { cookiesOf, type LoadedRealm } from './loaded-realm.ts'
import { makeRealmKey } from './realm-key.ts'
import { realmSettingsSchema } from './realm-settings.ts'

/** No tenant can have it: nothing in the database is of this realm. */
const NO_TENANT = '' as TenantId

/**
 * A realm that nobody has, with keys that nobody knows: it answers in place of one that is not there
 * or not open, with the provider's own code, after the same look-ups, and finds nothing.
 */
export async function nobodysRealm(origin: string): Promise<LoadedRealm> {
  const issuer = `${origin}/realms/-`
  const { privateJwk, publicJwk } = await makeRealmKey('ES256')
  return {
    tenant: NO_TENANT,
    issuer,
    displayName: 'Nobody',
    version: 0,
    settings: realmSettingsSchema.parse({ algorithms: ['ES256'] }),
    keys: [{ kid: publicJwk.kid, alg: 'ES256', privateJwk, signs: true, usableFrom: undefined }],
    changesAt: undefined,
    cookies: cookiesOf(issuer),
    deriveKey: () => randomBytes(32),
  }
}
