import type { LogName } from '../../audit/entry.ts'
import { CompactRange } from '../../transparency/compact-range.ts'
import { logSigner, newSeed } from '../../transparency/note-signer.ts'
import type { LogClient } from './log-database.ts'
import { type LogParts, originOf } from './log-parts.ts'
import { insertSigningKey } from './signing-keys.ts'

/** A log's end, while this transaction alone may append to it. */
export interface LockedHead {
  readonly log: LogName
  readonly range: CompactRange
  /** The data key for the next entry. */
  dataKey: string | undefined
}

interface HeadRow {
  readonly log: LogName
  readonly size: string
  readonly peaks: Buffer
  readonly data_key: string | null
}

/** Locks the ends of logs, always in one order, and makes those that are not there, each with a key. */
export async function lockHeads(
  client: LogClient,
  parts: LogParts,
  logs: readonly LogName[],
): Promise<ReadonlyMap<LogName, LockedHead>> {
  const sorted = [...logs].sort()
  const found = await select(client, sorted)
  const missing = sorted.filter((log) => !found.has(log))
  if (missing.length === 0) return found
  for (const log of missing) await makeLog(client, parts, log)
  return select(client, sorted)
}

async function select(client: LogClient, logs: readonly LogName[]) {
  const { rows } = await client.query<HeadRow>({
    name: 'lock-log-heads',
    text: `select log, size, peaks, data_key from records.log_head
      where log = any($1::text[]) order by log for update`,
    values: [logs],
  })
  return new Map(
    rows.map((row): [LogName, LockedHead] => [
      row.log,
      {
        log: row.log,
        range: CompactRange.from(Number(row.size), row.peaks),
        dataKey: row.data_key ?? undefined,
      },
    ]),
  )
}

async function makeLog(client: LogClient, parts: LogParts, log: LogName): Promise<void> {
  const now = new Date(parts.now())
  const { rowCount } = await client.query(
    `insert into records.log_head (log, origin, created_at) values ($1, $2, $3)
     on conflict (log) do nothing`,
    [log, originOf(parts, log), now],
  )
  if (rowCount === 0) return
  const seed = newSeed()
  await insertSigningKey(client, parts, {
    log,
    seed,
    vkey: logSigner(originOf(parts, log), seed).key.text,
    from: now,
  })
}
