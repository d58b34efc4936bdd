import type { LogName } from '../../audit/entry.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { LogClient } from './log-database.ts'
import type { PostgresLogStore } from './postgres-log-store.ts'
import { enterEntries } from './enter-entries.ts'
import { lockHeads } from './log-heads.ts'
import { platformEntry } from './platform-entry.ts'

/** A reason for which nothing of a log may be erased: a legal hold. */
export interface Hold {
  readonly log: LogName
  /** What it is called, `case-2026-17`. */
  readonly name: string
  readonly reason: string
  /** Who placed it. */
  readonly by: string
}

/**
 * Holds a log: nothing of it is erased until the hold is released. The hold is an entry of the log.
 * @throws RingfenceError `already_exists`
 */
export async function placeHold(store: PostgresLogStore, hold: Hold): Promise<void> {
  const { log, name, reason, by } = hold
  await inLog(store, log, 'hold.placed', hold, async (client) => {
    const { rowCount } = await client.query(
      `insert into records.log_hold (log, name, reason, placed_by, placed_at)
       values ($1, $2, $3, $4, $5) on conflict (log, name) do nothing`,
      [log, name, reason, by, new Date(store.parts.now())],
    )
    if (rowCount === 0) {
      throw new RingfenceError('already_exists', `there is, or was, a hold with the name ${name}`)
    }
  })
}

/** @throws RingfenceError `not_found` */
export async function releaseHold(store: PostgresLogStore, hold: Hold): Promise<void> {
  const { log, name, by } = hold
  await inLog(store, log, 'hold.released', hold, async (client) => {
    const { rowCount } = await client.query(
      `update records.log_hold set released_by = $3, released_at = $4
       where log = $1 and name = $2 and released_at is null`,
      [log, name, by, new Date(store.parts.now())],
    )
    if (rowCount === 0) throw new RingfenceError('not_found', `there is no hold ${name}`)
  })
}

/** The holds that are on a log now. */
export function holdsOf({ parts }: PostgresLogStore, log: LogName): Promise<readonly Hold[]> {
  return parts.database.query<Hold & Record<string, unknown>>(
    `select log, name, reason, placed_by as by from records.log_hold
     where log = $1 and released_at is null order by placed_at`,
    [log],
  )
}

/** Whether a log is held. The caller has locked its head, which who places a hold does too. */
export async function isHeld(client: LogClient, log: LogName): Promise<boolean> {
  const { rowCount } = await client.query(
    'select from records.log_hold where log = $1 and released_at is null',
    [log],
  )
  return rowCount !== 0
}

async function inLog(
  store: PostgresLogStore,
  log: LogName,
  action: string,
  { name, reason, by }: Hold,
  work: (client: LogClient) => Promise<void>,
): Promise<void> {
  const { parts, dataKeys } = store
  const grown = await parts.database.transaction(async ({ client }) => {
    await lockHeads(client, parts, [log])
    await work(client)
    const object = { type: 'hold', id: name }
    const entry = platformEntry(parts, log, { category: 'erasure', action, object, reason })
    return enterEntries(client, parts, dataKeys, [{ ...entry, detail: { by } }])
  })
  store.grew(grown)
}
