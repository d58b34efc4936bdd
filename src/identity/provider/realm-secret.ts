import { hkdfSync, randomBytes } from 'node:crypto'
import { RingfenceError } from '../../core/errors.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { SealingKey } from '../sealing-key.ts'

const BYTES = 32
/** Under what name it is sealed: no signing key has it, their names being random UUIDs. */
const NAME = 'realm secret'

/** A new secret of a realm, sealed. */
export function makeRealmSecret(sealing: SealingKey, tenant: TenantId): Buffer {
  return sealing.seal(tenant, NAME, { kty: 'oct', k: randomBytes(BYTES).toString('base64url') })
}

/**
 * Keys of a realm for cookies and forms, each for one purpose, all from one sealed secret (HKDF, RFC
 * 5869). @throws RingfenceError `internal` for what was sealed for another realm
 */
export function realmSecret(
  sealing: SealingKey,
  tenant: TenantId,
  sealed: Buffer,
): (purpose: string) => Buffer {
  const { k } = sealing.open(tenant, NAME, sealed)
  if (k === undefined) throw new RingfenceError('internal', 'the realm has no secret')
  const secret = Buffer.from(k, 'base64url')
  return (purpose) => Buffer.from(hkdfSync('sha256', secret, '', `ringfence ${purpose}`, BYTES))
}
