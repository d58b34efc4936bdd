import { z } from 'zod'
import { parseClientId, parseSubject } from '../core/names.ts'
import { parsed } from '../core/parsed.ts'
import { ACCESS_TOKEN_SECONDS_MAX } from '../tokens/access-token.ts'
import { publicJwkSchema } from '../tokens/public-jwk.ts'

const scopes = z
  .array(
    z
      .string()
      .regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/)
      .max(50),
  )
  .max(20)
const roles = z.array(z.string().min(1).max(100)).max(50)

export const ensureBody = z.strictObject({ displayName: z.string().min(1).max(200) })
export const openBody = z.strictObject({ open: z.boolean() })
export const keysBody = z.strictObject({ compromised: z.boolean().default(false) })
export const userBody = z.strictObject({
  subject: parsed(parseSubject),
  roles: roles.default([]),
  scopes: scopes.default(['read', 'write']),
})
export const clientBody = z.strictObject({
  client: parsed(parseClientId),
  roles: roles.default([]),
  scopes: scopes.default(['read']),
  keys: z.array(publicJwkSchema).min(1).max(5).optional(),
})
export const tokenBody = z.strictObject({
  subject: parsed(parseSubject),
  scopes: scopes.optional(),
  seconds: z.int().min(1).max(ACCESS_TOKEN_SECONDS_MAX).optional(),
})

export const realmAnswer = z.object({ issuer: z.string(), keys: z.array(publicJwkSchema) })
export const clientAnswer = z.object({ secret: z.string().optional() })
export const tokenAnswer = z.object({
  access_token: z.string(),
  token_type: z.literal('Bearer'),
  expires_in: z.number(),
  scope: z.string(),
})
