import type { LogName } from '../../audit/entry.ts'
import { RingfenceError } from '../../core/errors.ts'
import { endOfPeriod } from './data-keys.ts'
import { enterEntries } from './enter-entries.ts'
import { isHeld } from './holds.ts'
import { lockHeads } from './log-heads.ts'
import { platformEntry } from './platform-entry.ts'
import type { PostgresLogStore } from './postgres-log-store.ts'

const DAY_MS = 86_400_000

/**
 * Erases what all entries of a log say, by the loss of its data keys; hashes and proofs stay. Entries
 * that tell of keys and of this erasure remain.
 * @returns how many keys are gone
 * @throws RingfenceError `conflict` when the log is held
 */
export async function shredLog(
  store: PostgresLogStore,
  log: LogName,
  reason: string,
): Promise<number> {
  const shredded = await shred(store, log, Infinity, reason)
  if (shredded === undefined) {
    throw new RingfenceError('conflict', `${log} is on legal hold: nothing of it may be erased`)
  }
  return shredded
}

/**
 * Erases what entries say whose month ended longer ago than they are kept, except in logs on hold.
 * @param daysKept for each log; undefined keeps everything
 * @returns the logs of which something was erased
 */
export async function applyRetention(
  store: PostgresLogStore,
  daysKept: (log: LogName) => number | undefined | Promise<number | undefined>,
): Promise<readonly LogName[]> {
  const erased: LogName[] = []
  for (const { log } of await store.logs()) {
    const days = await daysKept(log)
    if (days === undefined) continue
    const before = store.parts.now() - days * DAY_MS
    const keys = await shred(store, log, before, `kept for ${days} days`)
    if (keys !== undefined && keys > 0) erased.push(log)
  }
  return erased
}

/** @param before months that ended until then @returns undefined when the log is held */
async function shred(
  store: PostgresLogStore,
  log: LogName,
  before: number,
  reason: string,
): Promise<number | undefined> {
  const { parts, dataKeys } = store
  const { database } = parts
  const candidates = (await keysThere(store, log)).filter(
    ({ period }) => endOfPeriod(period).getTime() <= before,
  )
  if (candidates.length === 0) return 0
  const names = candidates.map(({ key }) => key)
  const done = await database.transaction(async ({ client }) => {
    await lockHeads(client, parts, [log])
    if (await isHeld(client, log)) return undefined
    const { rowCount } = await client.query(
      `update records.log_data_key set wrapped = null, shredded_at = $3
       where log = $1 and key = any($2::text[]) and wrapped is not null`,
      [log, names, new Date(parts.now())],
    )
    await client.query(
      `update records.log_head set data_key = null where log = $1 and data_key = any($2::text[])`,
      [log, names],
    )
    const entry = platformEntry(parts, log, {
      category: 'erasure',
      action: 'entries.erased',
      reason,
      detail: { keys: names.join(' ').slice(0, 2_000) },
    })
    const grown = await enterEntries(client, parts, dataKeys, [entry])
    return { grown, keys: rowCount ?? 0 }
  })
  if (done === undefined) return undefined
  store.grew(done.grown)
  // The old row versions hold the wrapped keys until they are cleared away.
  await database.query('vacuum records.log_data_key')
  return done.keys
}

function keysThere({ parts }: PostgresLogStore, log: LogName) {
  return parts.database.query<{ readonly key: string; readonly period: string }>(
    'select key, period from records.log_data_key where log = $1 and wrapped is not null',
    [log],
  )
}
