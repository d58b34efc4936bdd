import { z } from 'zod'
import type { TenantId } from '../../../core/tenant.ts'
import type { SealingKey } from '../../sealing-key.ts'
import type { ConnectionSecrets } from './connection.ts'
import type { ConnectionId } from './connection-id.ts'

const key = z.looseObject({ kty: z.string() })
const schema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('oidc'),
    clientSecret: z.string().exactOptional(),
    clientKey: key.exactOptional(),
  }),
  z.strictObject({ kind: z.literal('saml'), signingKey: key, encryptionKey: key }),
])

/** Sealed for one connection of one tenant: moved to another row, it does not open. */
export function sealSecrets(
  sealing: SealingKey,
  tenant: TenantId,
  connection: ConnectionId,
  secrets: ConnectionSecrets,
): Buffer {
  const k = Buffer.from(JSON.stringify(secrets)).toString('base64url')
  return sealing.seal(tenant, boundTo(connection), { kty: 'oct', k })
}

/** @throws RingfenceError `internal` when it was sealed for something else */
export function openSecrets(
  sealing: SealingKey,
  tenant: TenantId,
  connection: ConnectionId,
  sealed: Buffer,
): ConnectionSecrets {
  const { k } = sealing.open(tenant, boundTo(connection), sealed)
  const text = Buffer.from(z.string().parse(k), 'base64url').toString('utf8')
  return schema.parse(JSON.parse(text))
}

function boundTo(connection: ConnectionId): string {
  return `federation:${connection}`
}
