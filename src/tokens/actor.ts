import { z } from 'zod'
import { parseSubject, type Subject } from '../core/names.ts'
import { parsed } from '../core/parsed.ts'

/** Whoever acts in the subject's place, and in whose place that one was acting (RFC 8693, 4.1). */
export interface Actor {
  readonly subject: Subject
  /** The issuer whose subject it is, where that is another than the token's: a delegation's. */
  readonly issuer?: string
  /** The OAuth client that acts. */
  readonly client?: string
  /** The actor before this one. */
  readonly actor?: Actor
}

/** Longer chains are refused: each hop is one more that has to be trusted. */
export const ACTORS_MAX = 4

const link = z.strictObject({
  iss: z.url().max(500).optional(),
  sub: parsed(parseSubject),
  client_id: z.string().min(1).max(200).optional(),
  act: z.unknown().optional(),
})

/** Reads an `act` claim. @throws TypeError for a chain that is too long; ZodError for what is none */
export function actorOf(claim: unknown, hops: number = ACTORS_MAX): Actor {
  if (hops === 0) throw new TypeError('a chain of actors that is too long')
  const { iss, sub, client_id, act } = link.parse(claim)
  return {
    subject: sub,
    ...(iss === undefined ? {} : { issuer: iss }),
    ...(client_id === undefined ? {} : { client: client_id }),
    ...(act === undefined ? {} : { actor: actorOf(act, hops - 1) }),
  }
}

/** The `act` claim of an actor. */
export function actClaim({
  subject,
  issuer,
  client,
  actor,
}: Actor): Readonly<Record<string, unknown>> {
  return {
    ...(issuer === undefined ? {} : { iss: issuer }),
    sub: subject,
    ...(client === undefined ? {} : { client_id: client }),
    ...(actor === undefined ? {} : { act: actClaim(actor) }),
  }
}
