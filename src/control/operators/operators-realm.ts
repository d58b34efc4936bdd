import { decodeProtectedHeader } from 'jose'
import { messageOf, RingfenceError } from '../../core/errors.ts'
import type { Subject } from '../../core/names.ts'
import { OPERATORS_REALM } from '../../core/operators-realm.ts'
import type { RevocationList } from '../../revocation/revocation.ts'
import { type Access, type TokenFacts, verifyAccessToken } from '../../tokens/access-token.ts'
import { KeySet } from '../../tokens/verify-token.ts'
import type { Actor } from '../control-plane.ts'
import type { Realm, Realms } from '../ports.ts'
import { knownRoles, READING_SCOPES, scopesOfRoles } from './roles.ts'

/** RFC 9470, `acr`: two factors, or a passkey that verified its user. */
export const TWO_FACTORS = 'urn:ringfence:acr:2'
/** A name that is harmless wherever actors are told, and cannot be taken for a token's. */
const PERSON = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,99}$/
/** Keys are asked for again after this time, in milliseconds: one that was taken back is not good for ever. */
const FRESH_MS = 60_000
/** Without a word of the identity plane for this long nobody can have a token of it any more. */
const STALE_MS = 15 * 60_000
/** Whoever shows tokens of keys that there are not has us ask no oftener than this. */
const UNKNOWN_KEY_MS = 5_000

export interface OperatorsRealmOptions {
  readonly realms: Pick<Realms, 'ensure'>
  /** Who the control API is, in access tokens of operators. */
  readonly audience: string
  /** What was taken back. Without it tokens are good for their whole life of minutes. */
  readonly revocations?: RevocationList
  /** Milliseconds of a clock that only goes forward. */
  readonly now?: () => number
}

interface Known {
  readonly issuer: string
  readonly keys: KeySet
  readonly kids: ReadonlySet<string>
  readonly at: number
}

/** People of the operators' realm, by the access tokens that it gives them for the control API. */
export class OperatorsRealm {
  readonly #options: OperatorsRealmOptions
  readonly #now: () => number
  #known: Known | undefined
  #asking: Promise<Known> | undefined
  #askedAt = Number.NEGATIVE_INFINITY

  constructor(options: OperatorsRealmOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
  }

  /** Where operators sign in. Makes the realm at the first call. @throws `engine_unavailable` */
  async issuer(): Promise<string> {
    return (await this.#current(undefined)).issuer
  }

  /**
   * Who presents this token. One factor is enough to read.
   * @throws RingfenceError `not_authenticated`, whatever is wrong with the token; `engine_unavailable`
   *   while it is not known by which keys to judge; `revocations_unknown`
   */
  async authenticate(token: string, requestId: string): Promise<Actor> {
    const { issuer, keys } = await this.#current(kidOf(token))
    const { audience } = this.#options
    const access = await verifyAccessToken(token, keys, { issuer, audience }).catch(
      (error: unknown) => {
        throw refused(messageOf(error))
      },
    )
    this.#check(access)
    const roles = knownRoles(access.roles)
    const all = scopesOfRoles(roles)
    const twoFactors = access.acr === TWO_FACTORS
    const scopes = twoFactors ? all : all.filter((scope) => READING_SCOPES.includes(scope))
    return {
      kind: 'operator',
      name: `person:${access.subject}`,
      scopes,
      requestId,
      person: access.subject,
      signedIn: { roles, twoFactors, beyond: all.filter((scope) => !scopes.includes(scope)) },
    }
  }

  #check(access: Access & TokenFacts): void {
    if (access.tenant !== OPERATORS_REALM) throw refused('of another realm')
    if (!PERSON.test(access.subject)) throw refused('a subject that is no person of ours')
    // Operators act in their own name, and nobody here can check a proof of a key.
    if (access.actor !== undefined) throw refused('acting for somebody')
    if (access.boundTo !== undefined) throw refused('bound to a key')
    const { id, subject, client, session, issuedAt, tenant } = access
    const revocable = { tenant, id, session, subject, client, issuedAt }
    if (this.#options.revocations?.revokes(revocable) === true) throw refused('revoked')
  }

  async #current(kid: string | undefined): Promise<Known> {
    const known = this.#known
    const now = this.#now()
    const unknownKey = known !== undefined && kid !== undefined && !known.kids.has(kid)
    const mayAsk = now - this.#askedAt >= UNKNOWN_KEY_MS || this.#asking !== undefined
    if (known !== undefined && now - known.at < FRESH_MS && !(unknownKey && mayAsk)) return known
    if (known !== undefined && !mayAsk && now - known.at < STALE_MS) return known
    try {
      return await this.#ask()
    } catch (error) {
      // The identity plane may be down for as long as a token could live.
      if (known !== undefined && now - known.at < STALE_MS) return known
      throw error
    }
  }

  #ask(): Promise<Known> {
    this.#askedAt = this.#now()
    this.#asking ??= this.#options.realms
      .ensure(OPERATORS_REALM, 'Operators')
      .then((realm) => {
        this.#known = knownOf(realm, this.#now())
        return this.#known
      })
      .finally(() => {
        this.#asking = undefined
      })
    return this.#asking
  }
}

function knownOf({ issuer, keys }: Realm, at: number): Known {
  return { issuer, keys: new KeySet(keys), kids: new Set(keys.map(({ kid }) => kid)), at }
}

function kidOf(token: string): string | undefined {
  try {
    return decodeProtectedHeader(token).kid
  } catch {
    return undefined
  }
}

function refused(detail: string): RingfenceError {
  return new RingfenceError('not_authenticated', 'the operator’s access token is not valid', {
    detail,
  })
}

/** The operator's name where a tenant reads it: its own subject, or which token it was. */
export function operatorOf(by: Actor): string {
  return by.person ?? `token:${by.name}`
}

/** By what somebody is known: the credential's name, and the person behind it if one is known. */
export interface Credential {
  readonly name: string
  readonly person?: Subject | string | undefined
}

/** True when one person stands behind both, by whatever credential. */
export function isSamePerson(a: Credential, b: Credential): boolean {
  const names = (one: Credential) =>
    [one.name, one.person, one.person && `person:${one.person}`].flatMap((name) =>
      name === undefined || name === '' ? [] : [name.toLowerCase()],
    )
  return names(a).some((name) => names(b).includes(name))
}
