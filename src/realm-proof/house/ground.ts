import { parseTenantId, type TenantId } from '../../core/tenant.ts'
import { SigningKey } from '../../tokens/signing-key.ts'
import { makeParty, type Party } from './party.ts'

/** What issuers begin with. Requests go to a socket on loopback and name this host. */
export const BASE = 'https://id.realm-proof.test'
/** What access tokens are for. */
export const AUDIENCE = 'https://api.realm-proof.test/'
export const ADMIN_AUDIENCE = 'urn:realm-proof:identity'
/** A realm that there is not. */
export const ABSENT = 'unknown-realm'
export const CLOSED = parseTenantId('closed-realm-of-this-proof')

/** Who there is in a rehearsal, and which keys they hold. Weakened copies share it. */
export interface Ground {
  readonly parties: readonly Party[]
  readonly keys: {
    /** Of a business that is a client of every realm, by one key. */
    readonly partner: SigningKey
    /** Of the control plane. */
    readonly control: SigningKey
    /** Somebody's own, whom nobody knows: what an attacker signs with. */
    readonly stranger: SigningKey
  }
}

export async function makeGround(tenants: readonly TenantId[]): Promise<Ground> {
  const [partner, control, stranger] = await Promise.all([
    SigningKey.create('ES256'),
    SigningKey.create('ES256'),
    SigningKey.create('ES256'),
  ])
  return {
    parties: tenants.map((tenant) => makeParty(tenant, BASE)),
    keys: { partner, control, stranger },
  }
}
