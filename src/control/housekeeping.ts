import { messageOf } from '../core/errors.ts'
import { compact } from '../snapshot/compact.ts'
import { publishConfirmation } from '../snapshot/publish.ts'
import type { SigningKey } from '../tokens/signing-key.ts'
import type { Database } from './database.ts'
import { forgetNames } from './operators/four-eyes.ts'
import type { RegisteredIdempotency } from './registered-idempotency.ts'
import { Rounds } from './rounds.ts'
import { forgetOldMessages } from './take-once.ts'

/** Rounds between two looks at what is slow and not urgent. */
const SELDOM = 12

export interface HousekeepingParts {
  readonly database: Database
  readonly snapshotKey: SigningKey
  readonly idempotency: RegisteredIdempotency
  readonly everyMs: number
  readonly log: (line: string) => void
}

/**
 * Confirms the snapshot every few seconds, so that readers know that they missed nothing; compacts it,
 * and forgets outcomes and messages that are too old to matter, now and then.
 */
export class Housekeeping {
  readonly #parts: HousekeepingParts
  readonly #rounds = new Rounds(() => this.#round())
  #count = 0

  constructor(parts: HousekeepingParts) {
    this.#parts = parts
  }

  start(): void {
    this.#rounds.start()
  }

  stop(): Promise<void> {
    return this.#rounds.stop()
  }

  async #round(): Promise<number> {
    const { database, snapshotKey, idempotency, everyMs, log } = this.#parts
    try {
      await database.transaction(({ client }) => publishConfirmation(client, snapshotKey))
      if (this.#count % SELDOM === 0) {
        await this.#compact()
        await idempotency.sweep()
        await forgetOldMessages(database)
        await forgetNames(database)
      }
      this.#count += 1
    } catch (error) {
      log(`housekeeping: ${messageOf(error)}`)
    }
    return everyMs
  }

  async #compact(): Promise<void> {
    const client = await this.#parts.database.pool.connect()
    const ignore = () => {}
    client.on('error', ignore)
    try {
      await compact(client, this.#parts.snapshotKey)
    } finally {
      client.off('error', ignore)
      client.release()
    }
  }
}
