import { randomBytes } from 'node:crypto'
import { parseTenantId, type TenantId } from '../../core/tenant.ts'
import { SigningKey } from '../../tokens/signing-key.ts'

/** One tenant of a rehearsal, with all that is its own. */
export interface Party {
  readonly tenant: TenantId
  /** The host name that is this tenant's alone. */
  readonly host: string
  readonly issuer: string
  /** Signs the realm's tokens. A tenant with an identity provider of its own holds it. */
  readonly realm: SigningKey
  /** Was the realm's key before this one. Somebody else has come by it. */
  readonly lost: SigningKey
  /** In the tenant's record at the service behind the gateway. */
  readonly recordCanary: string
  /** In the credentials that leases of the tenant hold. */
  readonly leaseCanary: string
}

export async function makeParty(tenant: TenantId): Promise<Party> {
  const [realm, lost] = await Promise.all([SigningKey.create('ES256'), SigningKey.create('ES256')])
  return {
    tenant,
    host: `${tenant}.front-door.test`,
    issuer: `https://id.front-door.test/realms/${tenant}`,
    realm,
    lost,
    recordCanary: `record-canary-${randomBytes(12).toString('hex')}`,
    leaseCanary: `lease-canary-${randomBytes(12).toString('hex')}`,
  }
}

/** Suspended in every rehearsal: it must look like one that there is not. */
export const SUSPENDED = parseTenantId('suspended-party')
/** In no rehearsal. */
export const UNKNOWN = parseTenantId('unknown-party')
