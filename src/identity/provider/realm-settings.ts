import { z } from 'zod'
import { ACCESS_TOKEN_SECONDS, ACCESS_TOKEN_SECONDS_MAX } from '../../tokens/access-token.ts'
import { themeSchema } from '../pages/look/theme.ts'

const HOUR = 3_600
const DAY = 24 * HOUR

/** What a realm can sign with. The platform's own API takes the first two; RS256 is for ID tokens. */
export const REALM_ALGORITHMS = ['ES256', 'EdDSA', 'RS256'] as const
export type RealmAlgorithm = (typeof REALM_ALGORITHMS)[number]

/** RFC 8693. */
export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'

/** Grants that a client can be allowed. */
export const GRANT_TYPES = [
  'authorization_code',
  'refresh_token',
  'client_credentials',
  'urn:ietf:params:oauth:grant-type:device_code',
  TOKEN_EXCHANGE,
] as const

/** Ways in which a client can authenticate; `none` is a public client. */
export const CLIENT_AUTH_METHODS = [
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
  'none',
] as const
export type ClientAuthMethod = (typeof CLIENT_AUTH_METHODS)[number]

const host = z
  .string()
  .max(253)
  .regex(/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+$/, 'a host name')

/** What clients may register themselves as (RFC 7591), with an initial access token. */
const registrationSchema = z.strictObject({
  enabled: z.boolean().default(false),
  grantTypes: z.array(z.enum(GRANT_TYPES)).default(['authorization_code', 'refresh_token']),
  authMethods: z.array(z.enum(CLIENT_AUTH_METHODS)).default(['private_key_jwt', 'none']),
  /** Exactly these hosts, over https. Empty: no redirect URI can be registered. */
  redirectHosts: z.array(host).max(20).default([]),
  /** How many such clients there may be at once. */
  clientsMax: z.int().min(0).max(1_000).default(20),
  /** What they may ask for. Their roles are none. */
  scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,50}$/))
    .max(20)
    .default(['read']),
})

/** What a tenant decides about its realm. Strict: what is not here is refused. */
export const realmSettingsSchema = z.strictObject({
  /** A key of each is kept; access tokens are signed with the first that the platform takes. */
  algorithms: z
    .array(z.enum(REALM_ALGORITHMS))
    .min(1)
    .refine((all) => new Set(all).size === all.length, 'an algorithm twice')
    .refine((all) => all.some((alg) => alg !== 'RS256'), 'ES256 or EdDSA must be among them')
    .default(['ES256', 'EdDSA']),
  accessTokenSeconds: z.int().min(30).max(ACCESS_TOKEN_SECONDS_MAX).default(ACCESS_TOKEN_SECONDS),
  /** From the sign-in, however often it was rotated. */
  refreshTokenSeconds: z
    .int()
    .min(60)
    .max(90 * DAY)
    .default(14 * DAY),
  session: z
    .strictObject({
      /** Without a request for so long, the user signs in again. */
      idleSeconds: z
        .int()
        .min(60)
        .max(30 * DAY)
        .default(8 * HOUR),
      /** From the sign-in. */
      seconds: z
        .int()
        .min(60)
        .max(90 * DAY)
        .default(14 * DAY),
      /** How many a user has at once. With one more, the one that was signed in longest ago ends. */
      most: z.int().min(1).max(100).default(20),
    })
    .prefault({}),
  /** `required`: who has no second factor enrols one before anything else. */
  mfa: z.enum(['optional', 'required']).default('optional'),
  /** `third-party`: clients of the tenant's own are not asked about. */
  consent: z.enum(['always', 'third-party']).default('third-party'),
  registration: registrationSchema.prefault({}),
  /** The realm's own host, `login.acme.example`: its issuer is then `https://login.acme.example`. */
  domain: host.optional(),
  theme: themeSchema.prefault({}),
})

export type RealmSettings = z.output<typeof realmSettingsSchema>
export type RealmSettingsInput = z.input<typeof realmSettingsSchema>
