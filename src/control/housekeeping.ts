import { Rounds } from '../core/rounds.ts'
import { compact } from '../snapshot/compact.ts'
import { publishConfirmation } from '../snapshot/publish.ts'
import type { SigningKey } from '../tokens/signing-key.ts'
import type { Database } from './database.ts'
import { forgetNames } from './operators/four-eyes.ts'
import type { RegisteredIdempotency } from './registered-idempotency.ts'
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
export function housekeeping(parts: HousekeepingParts): Rounds {
  const { database, snapshotKey, idempotency, everyMs, log } = parts
  let count = 0
  return new Rounds({ what: 'housekeeping', log, everyMs }, async () => {
    await database.transaction(({ client }) => publishConfirmation(client, snapshotKey))
    if (count % SELDOM === 0) {
      await compactSnapshot(database, snapshotKey)
      await idempotency.sweep()
      await forgetOldMessages(database)
      await forgetNames(database)
    }
    count += 1
  })
}

async function compactSnapshot({ pool }: Database, key: SigningKey): Promise<void> {
  const client = await pool.connect()
  const ignore = () => {}
  client.on('error', ignore)
  try {
    await compact(client, key)
  } finally {
    client.off('error', ignore)
    client.release()
  }
}
