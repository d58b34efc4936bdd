import { z } from 'zod'
import { parseClientId, parseSubject } from '../core/names.ts'
import { parsed } from '../core/parsed.ts'
import { ACCESS_TOKEN_SECONDS_MAX } from '../tokens/access-token.ts'
import { publicJwkSchema } from '../tokens/public-jwk.ts'
import { clientDetailsSchema } from './provider/client-spec.ts'
import { CLIENT_AUTH_METHODS, REALM_ALGORITHMS } from './provider/realm-settings.ts'

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
export const keysBody = z.strictObject({
  compromised: z.boolean().default(false),
  algorithm: z.enum(REALM_ALGORITHMS).optional(),
})
export const userBody = z.strictObject({
  subject: parsed(parseSubject),
  roles: roles.default([]),
  scopes: scopes.default(['read', 'write']),
})
export const clientBody = clientDetailsSchema.extend({
  client: parsed(parseClientId),
  roles: roles.default([]),
  scopes: scopes.default(['read']),
  keys: z.array(publicJwkSchema).min(1).max(5).optional(),
})
export const initialAccessBody = z.strictObject({ seconds: z.int().min(1) })
export const apiKeyBody = z.strictObject({
  label: z.string().min(1).max(100),
  scopes,
  days: z.int().min(1),
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

const clientView = z
  .object({
    ...clientDetailsSchema.shape,
    client: parsed(parseClientId),
    authMethod: z.enum(CLIENT_AUTH_METHODS),
    idTokenAlg: z.enum(REALM_ALGORITHMS),
    roles: z.array(z.string()),
    scopes: z.array(z.string()),
    keys: z.array(publicJwkSchema).optional(),
    registered: z.boolean(),
  })
  .transform(({ keys, ...rest }) => ({ ...rest, keys }))
export const clientsAnswer = z.object({ clients: z.array(clientView) })
export const initialAccessAnswer = z.object({ token: z.string() })
export const apiKeyAnswer = z.object({ id: z.string(), secret: z.string() })
export const apiKeysAnswer = z.object({
  keys: z.array(
    z
      .object({
        id: z.string(),
        subject: parsed(parseSubject),
        label: z.string(),
        scopes: z.array(z.string()),
        createdAt: z.coerce.date(),
        expiresAt: z.coerce.date(),
        usedAt: z.coerce.date().optional(),
      })
      .transform(({ usedAt, ...rest }) => ({ ...rest, usedAt })),
  ),
})
