import { z } from 'zod'
import type { TenantId } from '../../core/tenant.ts'
import type { SealingKey } from '../sealing-key.ts'
import { checkMail, type Mail } from './mail.ts'

const mailShape = z.strictObject({
  id: z.string(),
  to: z.string(),
  fromName: z.string(),
  subject: z.string(),
  text: z.string(),
  html: z.string(),
})

/** Sealed as a symmetric JWK is, bound to realm and mail: links open accounts. */
export function sealedMail(sealing: SealingKey, tenant: TenantId, mail: Mail): Buffer {
  const k = Buffer.from(JSON.stringify(mail)).toString('base64url')
  return sealing.seal(tenant, nameOf(mail.id), { kty: 'oct', k })
}

/** @throws RingfenceError `internal` when it was sealed for another realm or mail */
export function openedMail(
  sealing: SealingKey,
  tenant: TenantId,
  id: string,
  sealed: Buffer,
): Mail {
  const { k } = sealing.open(tenant, nameOf(id), sealed)
  const mail: unknown = JSON.parse(Buffer.from(String(k), 'base64url').toString('utf8'))
  return checkMail(mailShape.parse(mail))
}

const nameOf = (id: string) => `mail ${id}`
