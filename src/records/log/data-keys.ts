import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import type { LogName } from '../../audit/entry.ts'
import { RingfenceError } from '../../core/errors.ts'
import { LRUCache } from 'lru-cache'
import type { DataKey } from './envelope.ts'
import { KEY_BYTES } from './key-encryption.ts'
import type { LogClient } from './log-database.ts'
import type { LockedHead } from './log-heads.ts'
import type { LogParts } from './log-parts.ts'

const KEPT = 10_000

/** The month of a moment: `2026-11`. */
export const periodOf = (milliseconds: number): string =>
  new Date(milliseconds).toISOString().slice(0, 7)

/** The first moment after a month. */
export function endOfPeriod(period: string): Date {
  const [year = 0, month = 0] = period.split('-').map(Number)
  return new Date(Date.UTC(year, month))
}

/** What a wrapped data key is bound to. */
export const boundToDataKey = (log: LogName, name: string) =>
  `ringfence log data key\n${log}\n${name}`

/**
 * The keys that entries are encrypted with: one for each log and month. Which one is in use stands in
 * the log's head, so that nobody who appends can use one that has been shredded.
 */
export class DataKeys {
  readonly #parts: LogParts
  /** Keys in use, by log and name. What reads entries does not ask here: it must see what is shredded. */
  readonly #inUse = new LRUCache<string, KeyObject>({ max: KEPT })

  constructor(parts: LogParts) {
    this.#parts = parts
  }

  /** The key for what is entered now, made when there is none of this month. */
  async current(client: LogClient, head: LockedHead): Promise<DataKey> {
    const period = periodOf(this.#parts.now())
    const name = head.dataKey
    // A clock that was set back does not bring back a month's key: the newer one goes on.
    if (name !== undefined && name.slice(0, period.length) >= period) {
      return { name, key: await this.#get(client, head.log, name) }
    }
    return this.#make(client, head, period)
  }

  async #get(client: LogClient, log: LogName, name: string): Promise<KeyObject> {
    const known = this.#inUse.get(boundToDataKey(log, name))
    if (known !== undefined) return known
    const key = (await unwrapped(client, this.#parts, log, [name])).get(name)
    if (key === undefined)
      throw new RingfenceError('internal', 'the data key of a log is not there')
    this.#inUse.set(boundToDataKey(log, name), key)
    return key
  }

  async #make(client: LogClient, head: LockedHead, period: string): Promise<DataKey> {
    const { log } = head
    const { rows } = await client.query<{ readonly made: number }>(
      `select count(*)::int as made from records.log_data_key where log = $1 and period = $2`,
      [log, period],
    )
    const name = `${period}.${(rows[0]?.made ?? 0) + 1}`
    const key = randomBytes(KEY_BYTES)
    await client.query(
      `insert into records.log_data_key (log, key, period, wrapped, made_at)
       values ($1, $2, $3, $4, $5)`,
      [
        log,
        name,
        period,
        this.#parts.keys.wrap(key, boundToDataKey(log, name)),
        new Date(this.#parts.now()),
      ],
    )
    head.dataKey = name
    return { name, key: createSecretKey(key) }
  }
}

/** The keys of these names that are not shredded. */
export async function unwrapped(
  client: Pick<LogClient, 'query'>,
  { keys }: LogParts,
  log: LogName,
  names: readonly string[],
): Promise<ReadonlyMap<string, KeyObject>> {
  const { rows } = await client.query<{ readonly key: string; readonly wrapped: Buffer }>(
    `select key, wrapped from records.log_data_key
     where log = $1 and key = any($2::text[]) and wrapped is not null`,
    [log, names],
  )
  return new Map(
    rows.map(({ key, wrapped }) => [
      key,
      createSecretKey(keys.unwrap(wrapped, boundToDataKey(log, key))),
    ]),
  )
}
