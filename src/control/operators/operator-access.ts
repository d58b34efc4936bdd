import { RingfenceError } from '../../core/errors.ts'
import { OPERATORS_REALM } from '../../core/operators-realm.ts'
import { claimedAccess } from '../../tokens/access-token.ts'
import type { Actor, Operators, SignInPlace } from '../control-plane.ts'
import type { FourEyes } from './four-eyes.ts'
import { isOperatorToken } from './operator-token.ts'
import type { OperatorsRealm } from './operators-realm.ts'
import type { RegisteredOperators } from './registered-operators.ts'
import type { TenantAdministrators } from './tenant-administrators.ts'

/** The public client with which the command line signs in. */
export const OPERATOR_CLI_CLIENT = 'ringfence-operator-cli'
/** What an access token looks like (RFC 7515, section 3.1). Nothing else reaches the realm. */
const COMPACT_JWS = /^[\w-]+\.[\w-]+\.[\w-]+$/

/**
 * Whoever may use the control API: by a token of our own, a sign-in at the operators' realm, or one at
 * a tenant's, for what is the tenant's.
 */
export class OperatorAccess implements Operators {
  readonly #tokens: RegisteredOperators
  readonly #realm: OperatorsRealm
  readonly #fourEyes: FourEyes
  readonly #audience: string
  readonly #administrators: TenantAdministrators

  constructor(
    tokens: RegisteredOperators,
    realm: OperatorsRealm,
    fourEyes: FourEyes,
    audience: string,
    administrators: TenantAdministrators,
  ) {
    this.#tokens = tokens
    this.#realm = realm
    this.#fourEyes = fourEyes
    this.#audience = audience
    this.#administrators = administrators
  }

  async authenticate(token: string, requestId: string): Promise<Actor> {
    if (isOperatorToken(token)) return this.#tokens.authenticate(token, requestId)
    if (!COMPACT_JWS.test(token)) {
      throw new RingfenceError('not_authenticated', 'the operator token is not valid')
    }
    // Which realm it says it is of decides only by whose keys it is judged.
    const tenant = claimedAccess(token)?.tenant
    if (tenant !== undefined && tenant !== OPERATORS_REALM) {
      return this.#administrators.authenticate(token, tenant, requestId)
    }
    const actor = await this.#realm.authenticate(token, requestId)
    await this.#fourEyes.saw(actor)
    return actor
  }

  async signIn(): Promise<SignInPlace> {
    const issuer = await this.#realm.issuer()
    return { issuer, audience: this.#audience, client: OPERATOR_CLI_CLIENT }
  }

  fourEyesSince(): Promise<Date | undefined> {
    return this.#fourEyes.inForceSince()
  }

  list(): ReturnType<Operators['list']> {
    return this.#tokens.list()
  }

  create(...args: Parameters<Operators['create']>): ReturnType<Operators['create']> {
    return this.#tokens.create(...args)
  }

  revoke(...args: Parameters<Operators['revoke']>): ReturnType<Operators['revoke']> {
    return this.#tokens.revoke(...args)
  }

  bootstrap(): Promise<string | undefined> {
    return this.#tokens.bootstrap()
  }
}
