import { createHash } from 'node:crypto'
import { base64url, calculateJwkThumbprint, importJWK, jwtVerify } from 'jose'
import { z } from 'zod'
import { parseStrictJson } from '../core/strict-json.ts'
import { CLOCK_TOLERANCE_SECONDS } from './verify-token.ts'

/** What a client may sign its proofs with. */
export const PROOF_ALGORITHMS = ['ES256', 'EdDSA'] as const
const TYP = 'dpop+jwt'
/** A proof says little: longer ones are not read. */
const CHARACTERS_MAX = 4_096

const coordinate = z.string().regex(/^[\w-]{43}$/)

/** A public key and nothing beside it. What an RFC 7638 thumbprint is made of, and no more, is kept. */
const keySchema = z.discriminatedUnion('kty', [
  z.object({
    kty: z.literal('EC'),
    crv: z.literal('P-256'),
    x: coordinate,
    y: coordinate,
  }),
  z.object({
    kty: z.literal('OKP'),
    crv: z.literal('Ed25519'),
    x: coordinate,
  }),
])

const headerSchema = z.object({
  typ: z.literal(TYP),
  alg: z.enum(PROOF_ALGORITHMS),
  jwk: z.custom((value) => isPublic(value)).pipe(keySchema),
  crit: z.undefined().optional(),
})

const claimsSchema = z.object({
  jti: z.string().min(1).max(200),
  htm: z.string().min(1).max(20),
  htu: z.string().min(1).max(2_000),
  iat: z.number().nonnegative().max(8.64e12),
  ath: z.string().min(1).max(200),
})

/** What a proof of possession says (RFC 9449, section 4.2). */
export interface Proof {
  readonly key: z.output<typeof keySchema>
  readonly id: string
  readonly method: string
  readonly url: string
  readonly issuedAt: Date
  /** Of the access token that it goes with. */
  readonly tokenHash: string
}

/**
 * Reads a proof without verifying anything, as anybody may have written it. Nothing of it may be acted
 * on before `isSignedByItsKey` was true of the same text. Undefined if it cannot be read.
 */
export function claimedProof(text: string): Proof | undefined {
  try {
    const { header, claims } = partsOf(text)
    const { jti, htm, htu, iat, ath } = claims
    return {
      key: header.jwk,
      id: jti,
      method: htm,
      url: htu,
      issuedAt: new Date(iat * 1000),
      tokenHash: ath,
    }
  } catch {
    return undefined
  }
}

/** Whether whoever made the proof has the private half of the key in it. */
export async function isSignedByItsKey(text: string): Promise<boolean> {
  try {
    const { header } = partsOf(text)
    const key = await importJWK(header.jwk, header.alg)
    await jwtVerify(text, key, {
      algorithms: [header.alg],
      typ: TYP,
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
    })
    return true
  } catch {
    return false
  }
}

/** The thumbprint by which access tokens name the key (RFC 7638), as `cnf.jkt` has it. */
export function thumbprintOf({ key }: Proof): Promise<string> {
  return calculateJwkThumbprint(key, 'sha256')
}

/** What `ath` says of an access token. */
export function tokenHashOf(token: string): string {
  return createHash('sha256').update(token, 'ascii').digest('base64url')
}

/** Whoever sends a private key shows it to everybody on the way: such a proof proves nothing. */
function isPublic(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !('d' in value) && !('k' in value)
}

function partsOf(text: string) {
  if (text.length > CHARACTERS_MAX) throw new TypeError('too long')
  const [header = '', claims = ''] = text.split('.')
  return {
    header: headerSchema.parse(jsonIn(header)),
    claims: claimsSchema.parse(jsonIn(claims)),
  }
}

/** Signers and readers differ in which of two members of one name they take. */
function jsonIn(part: string): unknown {
  return parseStrictJson(new TextDecoder('utf-8', { fatal: true }).decode(base64url.decode(part)))
}
