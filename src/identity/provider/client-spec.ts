import { z } from 'zod'
import { REALM_ALGORITHMS, CLIENT_AUTH_METHODS, GRANT_TYPES } from './realm-settings.ts'

const URIS_MAX = 20
const LOOPBACKS = new Set(['127.0.0.1', '[::1]', 'localhost'])
/** RFC 8252, section 7.1: a domain in reverse, so that an app does not take another one's scheme. */
const PRIVATE_USE_SCHEME = /^[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+:$/

/**
 * Where a browser may be sent with a code: https; plain http to this very machine; an app's own
 * scheme. Compared character by character, so that what could be written in two ways is refused.
 */
function isRedirectUri(text: string): boolean {
  if (!URL.canParse(text) || text.includes('#') || text.includes('*') || text.includes('\\')) {
    return false
  }
  const url = new URL(text)
  if (url.username !== '' || url.password !== '') return false
  if (PRIVATE_USE_SCHEME.test(url.protocol)) return true
  // The spelling that a browser would make of it, so that both compare the same.
  if (url.href !== text && url.href !== `${text}/`) return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACKS.has(url.hostname))
}

function isLogoutUri(text: string): boolean {
  return isRedirectUri(text) && !PRIVATE_USE_SCHEME.test(new URL(text).protocol)
}

function isOrigin(text: string): boolean {
  return isLogoutUri(text) && new URL(text).origin === text
}

const redirectUri = z
  .string()
  .max(2_000)
  .refine(isRedirectUri, 'a redirect URI is https, http on loopback, or of an app’s own scheme')

/** How a client of a realm is registered, besides what it may. Strict. */
export const clientDetailsSchema = z.strictObject({
  name: z.string().min(1).max(200).optional(),
  /** Default: `private_key_jwt` for a client with keys, `client_secret_basic` for others. */
  authMethod: z.enum(CLIENT_AUTH_METHODS).optional(),
  grantTypes: z.array(z.enum(GRANT_TYPES)).min(1).default(['client_credentials']),
  redirectUris: z.array(redirectUri).max(URIS_MAX).default([]),
  postLogoutRedirectUris: z.array(redirectUri).max(URIS_MAX).default([]),
  /** Is told, server to server, when a user signs out (OpenID Connect Back-Channel Logout). */
  backchannelLogoutUri: z
    .string()
    .max(2_000)
    .refine(isLogoutUri, 'a logout URI is https, or http on loopback')
    .optional(),
  /** From which pages' scripts it calls the realm: `https://app.acme.example`. */
  origins: z.array(z.string().refine(isOrigin, 'an origin')).max(URIS_MAX).default([]),
  /** The tenant's own: users are not asked about it. */
  firstParty: z.boolean().default(true),
  /** Gets only tokens that are bound to a key that it proves to have (DPoP, RFC 9449). */
  dpopBound: z.boolean().default(false),
  idTokenAlg: z.enum(REALM_ALGORITHMS).optional(),
})

export type ClientDetails = z.output<typeof clientDetailsSchema>
export type ClientDetailsInput = z.input<typeof clientDetailsSchema>

/** True for an app on the user's own machine: it has no secret, and anybody could pass for it. */
export function isNative({ redirectUris }: Pick<ClientDetails, 'redirectUris'>): boolean {
  return redirectUris.some((uri) => new URL(uri).protocol !== 'https:')
}
