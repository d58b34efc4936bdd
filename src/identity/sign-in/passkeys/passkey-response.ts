import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server'
import { z } from 'zod'

/** Base64url of some bytes; attestations are the longest of them. */
const bytes = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^[A-Za-z0-9_-]+$/)
const ID_MAX = 1_400
const DATA_MAX = 20_000

const credential = {
  id: bytes(ID_MAX),
  rawId: bytes(ID_MAX),
  type: z.literal('public-key'),
  authenticatorAttachment: z.enum(['platform', 'cross-platform']).nullish(),
  // Nothing is asked for, so that nothing is read of it.
  clientExtensionResults: z.looseObject({}).optional(),
}

/** What `PublicKeyCredential.toJSON` gives for a sign-in (WebAuthn Level 3, 5.1). */
const authentication = z.object({
  ...credential,
  response: z.object({
    clientDataJSON: bytes(DATA_MAX),
    authenticatorData: bytes(DATA_MAX),
    signature: bytes(DATA_MAX),
    userHandle: bytes(ID_MAX).nullish(),
  }),
})

const registration = z.object({
  ...credential,
  response: z.object({
    clientDataJSON: bytes(DATA_MAX),
    attestationObject: bytes(DATA_MAX),
    transports: z
      .array(z.string().regex(/^[a-z-]{1,30}$/))
      .max(10)
      .optional(),
  }),
})

/** Undefined for what is none. */
export function readAuthentication(value: unknown): AuthenticationResponseJSON | undefined {
  const read = authentication.safeParse(value)
  if (!read.success) return undefined
  const { id, rawId, type, response } = read.data
  const { userHandle, ...rest } = response
  const handle = typeof userHandle === 'string' ? { userHandle } : {}
  return { id, rawId, type, response: { ...rest, ...handle }, clientExtensionResults: {} }
}

export function readRegistration(value: unknown): RegistrationResponseJSON | undefined {
  const read = registration.safeParse(value)
  if (!read.success) return undefined
  const { id, rawId, type, response } = read.data
  const { transports, ...rest } = response
  const known = transports === undefined ? {} : { transports }
  return { id, rawId, type, response: { ...rest, ...known }, clientExtensionResults: {} }
}

const clientData = z.looseObject({ challenge: z.string().max(ID_MAX) })

/** The challenge that a response answers; it is verified with the rest. Undefined: unreadable. */
export function challengeOf(clientDataJson: string): string | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(clientDataJson, 'base64url').toString('utf8'))
    return clientData.parse(value).challenge
  } catch {
    return undefined
  }
}
