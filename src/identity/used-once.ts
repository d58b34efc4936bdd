import { createHash } from 'node:crypto'
import { z } from 'zod'
import { RingfenceError } from '../core/errors.ts'
import type { ClientId } from '../core/names.ts'
import { UsedAssertions, verifyClientAssertion } from '../tokens/client-assertion.ts'
import type { KeySet } from '../tokens/verify-token.ts'
import type { IdentityDatabase } from './identity-database.ts'

/** Longer than an assertion can be valid anywhere, clocks apart. */
const REMEMBER_SECONDS = 60

const claims = z.looseObject({ jti: z.string(), exp: z.number() })

/** Client assertions that count once, over all identity processes and their restarts. */
export class UsedOnce {
  readonly #database: IdentityDatabase

  constructor(database: IdentityDatabase) {
    this.#database = database
  }

  /**
   * Verifies an assertion. `place` keeps apart clients that have one name in several realms.
   * @throws RingfenceError `invalid_token`
   */
  async verify(
    assertion: string,
    audience: string,
    keysOf: (client: ClientId) => KeySet,
    place: string,
  ): Promise<ClientId> {
    const client = await verifyClientAssertion(assertion, audience, keysOf, new UsedAssertions())
    const payload = Buffer.from(assertion.split('.')[1] ?? '', 'base64url').toString()
    const { jti, exp } = claims.parse(JSON.parse(payload))
    const first = await this.#database.query(
      `insert into identity.used_assertion (id, expires_at)
       values ($1, to_timestamp($2) + make_interval(secs => $3))
       on conflict (id) do nothing returning id`,
      [idOf(place, client, jti), exp, REMEMBER_SECONDS],
    )
    if (first.length === 0) throw new RingfenceError('invalid_token', 'the token is not valid')
    return client
  }

  /** Forgets those that nobody would take any more. Call it now and then. */
  async forgetExpired(): Promise<void> {
    await this.#database.query('delete from identity.used_assertion where expires_at < now()')
  }
}

/** A hash, because a jti may be longer than an index takes. */
function idOf(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url')
}
