import { RingfenceError } from '../core/errors.ts'
import type { Revocation, RevocationPublisher, RevocationRows } from './revocation.ts'

/** How far a revocation may lie ahead: clocks differ. Milliseconds. */
const AHEAD_MS_MAX = 5_000
/** Expired revocations that one call forgets. */
const FORGET_MAX = 10_000

/** Publishes revocations through schema `revocation` of the control database. */
export class PostgresRevocations implements RevocationPublisher {
  /** @throws RingfenceError `invalid_argument` for a time to come: it would void what is not issued yet */
  async publish(rows: RevocationRows, revocation: Revocation): Promise<void> {
    if (!(revocation.at.getTime() <= Date.now() + AHEAD_MS_MAX)) {
      throw new RingfenceError(
        'invalid_argument',
        'a revocation is about what was issued until now',
      )
    }
    const { kind, at } = revocation
    const tenant = kind === 'everything' ? null : revocation.tenant
    const id = kind === 'everything' || kind === 'tenant' ? null : revocation.id
    await rows.query('select revocation.enter($1, $2, $3, $4)', [kind, tenant, id, at])
  }

  /** Forgets what voids nothing any more. To be called now and then, by whoever may. */
  async forgetExpired(rows: RevocationRows): Promise<void> {
    await rows.query('select revocation.forget_expired($1)', [FORGET_MAX])
  }
}
