import { prepareSchema } from '../../database/prepare-schema.ts'
import { isKeyName } from '../../transparency/verifier-key.ts'
import { messageOf, RingfenceError } from '../../core/errors.ts'
import { Anchoring } from './anchoring.ts'
import type { CheckpointAnchor } from './checkpoint-anchor.ts'
import { CheckpointSigner } from './checkpoint-signer.ts'
import type { KeyEncryptionKeys } from './key-encryption.ts'
import { LogDatabase, logError, type LogDatabaseSettings } from './log-database.ts'
import { LOG_MIGRATIONS, LOG_SCHEMA } from './log-migrations.ts'
import type { LogParts } from './log-parts.ts'
import { PostgresLogStore } from './postgres-log-store.ts'

/** Serialises preparing processes. The number is "rlog" in ASCII. */
const PREPARE_LOCK = 0x726c6f67

const ANCHOR_MS = 60_000

export interface LogStoreOptions {
  readonly database: LogDatabaseSettings
  readonly keys: KeyEncryptionKeys
  /** Before each log's name in its origin: a name of this installation, `audit.example.com`. */
  readonly originPrefix: string
  readonly anchors?: readonly CheckpointAnchor[]
  /** How long a log's checkpoints may follow each other before the next is brought to the anchors. */
  readonly anchorEveryMs?: number
  /** Milliseconds since the epoch. */
  readonly now?: () => number
  /** Told of what does not stop the store. */
  readonly log?: (line: string) => void
}

/**
 * Opens the logs of one region: brings their tables up to date and signs what a killed process has left
 * unsigned.
 * @throws RingfenceError `engine_unavailable`, `not_writable`, `invalid_argument`
 */
export async function openLogStore(options: LogStoreOptions): Promise<PostgresLogStore> {
  if (!isKeyName(options.originPrefix)) {
    throw new RingfenceError('invalid_argument', "the logs' origin has no spaces and no plus sign")
  }
  await prepareLogs(options.database)
  const parts: LogParts = {
    database: new LogDatabase(options.database),
    keys: options.keys,
    originPrefix: options.originPrefix,
    now: options.now ?? Date.now,
  }
  const every = options.anchorEveryMs ?? ANCHOR_MS
  const anchoring = new Anchoring(parts, options.anchors ?? [], every)
  const store = new PostgresLogStore(parts, new CheckpointSigner(parts, anchoring))
  const tell = (error: unknown) => options.log?.(`signing logs: ${messageOf(error)}`)
  await anchoring.catchUp().catch(tell)
  await store.sign(true).catch(tell)
  return store
}

/** Makes the tables, in a schema that is there or may be made. */
export function prepareLogs(settings: LogDatabaseSettings): Promise<void> {
  const tables = {
    schema: LOG_SCHEMA,
    table: 'log_migration',
    steps: LOG_MIGRATIONS,
    lock: PREPARE_LOCK,
    isMade: true,
  }
  return prepareSchema(settings, tables, logError)
}
