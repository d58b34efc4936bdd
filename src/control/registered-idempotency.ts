import { createHash, randomUUID } from 'node:crypto'
import { z } from 'zod'
import { RingfenceError } from '../core/errors.ts'
import type { Actor, Idempotency, StoredAnswer } from './control-plane.ts'
import type { Database } from './database.ts'
import { withRequestKey } from './request-key.ts'

/** Seconds for which a call is taken to be under way without a sign of life. */
const LEASE_SECONDS = 15
const HOURS_KEPT = 24

const answerSchema = z.object({
  status: z.number(),
  body: z.string(),
  headers: z.record(z.string(), z.string()),
})
type Claim = StoredAnswer | 'ours'

/**
 * Keys of calls, in the registry. A call holds a lease on its key while it runs. When its process is
 * killed, the next call with the key runs after the lease; what the first had changed carries the key
 * too (`request-key.ts`), so that it is found and not done twice.
 */
export class RegisteredIdempotency implements Idempotency {
  readonly #database: Database
  readonly #leaseSeconds: number

  constructor(database: Database, leaseSeconds: number = LEASE_SECONDS) {
    this.#database = database
    this.#leaseSeconds = leaseSeconds
  }

  async once(
    actor: Actor,
    key: string,
    fingerprint: string,
    work: () => Promise<StoredAnswer>,
  ): Promise<StoredAnswer & { readonly repeated: boolean }> {
    const digest = sha256(JSON.stringify([actor.kind, actor.name, key]))
    const holder = randomUUID()
    const claim = await this.#claim(digest, sha256(fingerprint), holder)
    if (claim !== 'ours') return { ...claim, repeated: true }
    const sign = setInterval(
      () => void this.#renew(digest, holder).catch(() => {}),
      (this.#leaseSeconds * 1000) / 3,
    )
    try {
      const answer = await withRequestKey(digest.toString('base64url'), work)
      await this.#database.query(
        'update registry.idempotency set answer = $3 where key = $1 and holder = $2',
        [digest, holder, JSON.stringify(answer)],
      )
      return { ...answer, repeated: false }
    } catch (error) {
      // A refusal is no outcome: the same key may try again.
      await this.#database
        .query(
          'delete from registry.idempotency where key = $1 and holder = $2 and answer is null',
          [digest, holder],
        )
        .catch(() => {})
      throw error
    } finally {
      clearInterval(sign)
    }
  }

  /** Forgets outcomes that are older than a day. */
  async sweep(): Promise<void> {
    await this.#database.query(
      `delete from registry.idempotency
        where created_at < clock_timestamp() - make_interval(hours => $1)`,
      [HOURS_KEPT],
    )
  }

  async #claim(key: Buffer, fingerprint: Buffer, holder: string): Promise<Claim> {
    return this.#database.transaction(async (tx) => {
      const values = [key, fingerprint, holder, this.#leaseSeconds]
      const taken = await tx.query(
        `insert into registry.idempotency (key, fingerprint, holder, lease_until)
         values ($1, $2, $3, clock_timestamp() + make_interval(secs => $4))
         on conflict (key) do nothing returning 1 as one`,
        values,
      )
      if (taken.length > 0) return 'ours'
      const [row] = await tx.query<{ fingerprint: Buffer; answer: unknown; stale: boolean }>(
        `select fingerprint, answer,
                lease_until < clock_timestamp() as stale
           from registry.idempotency where key = $1 for update`,
        [key],
      )
      if (row === undefined) throw underWay()
      if (!row.fingerprint.equals(fingerprint)) {
        throw new RingfenceError(
          'idempotency_key_reused',
          'the idempotency key was used for another request',
        )
      }
      if (row.answer !== null) return answerSchema.parse(row.answer)
      if (!row.stale) throw underWay()
      await tx.query(
        `update registry.idempotency set holder = $3, fingerprint = $2,
                lease_until = clock_timestamp() + make_interval(secs => $4) where key = $1`,
        values,
      )
      return 'ours'
    })
  }

  async #renew(key: Buffer, holder: string): Promise<void> {
    await this.#database.query(
      `update registry.idempotency set lease_until = clock_timestamp() + make_interval(secs => $3)
        where key = $1 and holder = $2`,
      [key, holder, this.#leaseSeconds],
    )
  }
}

function underWay(): RingfenceError {
  return new RingfenceError('conflict', 'the first call with this idempotency key is under way')
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
