import { z } from 'zod'
import { actClaim, type Actor, actorOf } from './actor.ts'
import { type Delegation, delegationClaims, delegationOf } from './delegation.ts'

/**
 * What a token may say besides whose it is: of the sign-in that it came from, of roles at places, and
 * of who acts. Access tokens and tenant contexts say it in the same claims. Absent: not known.
 */
export interface SignIn {
  /** `sid`: the session at the realm. */
  readonly session?: string
  /** `acr`: how the user was authenticated, `urn:ringfence:acr:2`. */
  readonly acr?: string
  /** `amr`: by what (RFC 8176). */
  readonly amr?: readonly string[]
  /** `auth_time`: when the user was authenticated. */
  readonly authenticatedAt?: Date
  /** `placed_roles`: at one place only, or withheld there, as `role@place` and `!role@place`. */
  readonly placedRoles?: readonly string[]
  /** `act`: who acts in the subject's place. */
  readonly actor?: Actor
  /** `grant_id`, `grantee`: under which grant a principal of another tenant acts. */
  readonly delegation?: Delegation
}

/** In a claim that is read: printable, so that it is harmless in logs and headers. */
const TEXT = /^[\x20-\x7e]{1,200}$/
const text = z.string().regex(TEXT)

const schema = z.object({
  sid: text.optional(),
  acr: text.optional(),
  amr: z.array(text).max(10).optional(),
  auth_time: z.number().nonnegative().max(8.64e12).optional(),
  placed_roles: z.array(z.string().min(1).max(200)).max(100).optional(),
  act: z.unknown().optional(),
})

/** @throws ZodError, TypeError for claims that are not of this form */
export function signInOf(claims: Readonly<Record<string, unknown>>): SignIn {
  const { sid, acr, amr, auth_time, placed_roles, act } = schema.parse(claims)
  const actor = act === undefined ? undefined : actorOf(act)
  const delegation = delegationOf(claims)
  // Who comes from elsewhere, and under what, is said together or not at all.
  if ((delegation === undefined) !== (actor?.issuer === undefined)) {
    throw new TypeError('half a delegation')
  }
  return {
    ...(sid === undefined ? {} : { session: sid }),
    ...(acr === undefined ? {} : { acr }),
    ...(amr === undefined ? {} : { amr }),
    ...(auth_time === undefined ? {} : { authenticatedAt: new Date(auth_time * 1000) }),
    ...(placed_roles === undefined ? {} : { placedRoles: placed_roles }),
    ...(actor === undefined ? {} : { actor }),
    ...(delegation === undefined ? {} : { delegation }),
  }
}

/** The claims. Empty lists are left out. */
export function signInClaims(signIn: SignIn): Readonly<Record<string, unknown>> {
  const { session, acr, amr, authenticatedAt, placedRoles, actor, delegation } = signIn
  const some = (list: readonly string[] | undefined) => (list?.length ? list : undefined)
  return defined({
    sid: session,
    acr,
    amr: some(amr),
    auth_time: authenticatedAt && Math.floor(authenticatedAt.getTime() / 1000),
    placed_roles: some(placedRoles),
    act: actor && actClaim(actor),
    ...(delegation && delegationClaims(delegation)),
  })
}

/** What is said of the sign-in, of all that is said. */
export function signInIn(said: SignIn): SignIn {
  const { session, acr, amr, authenticatedAt, placedRoles, actor, delegation } = said
  return defined({ session, acr, amr, authenticatedAt, placedRoles, actor, delegation })
}

/** Without the claims that are not known. */
export function defined(claims: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined))
}
