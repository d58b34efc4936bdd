import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { COPY_COLUMNS, type CopyRow } from './copy-row.ts'

/** A name that was taken before, and what stands under it. */
export interface Known {
  readonly key: string
  readonly content: string
}

/**
 * Takes names, in the transaction that writes their events: no name is ever taken without its event. In
 * their order, so that two writers with the same ones wait for each other and not in a circle. Gives back
 * those that were taken before, by a writer that may have committed after this statement began.
 */
const TAKE_NAMES = `
  with offered as (
    select * from unnest($1::text[], $2::uuid[], $3::timestamptz[], $4::uuid[])
      as offered (tenant, key, time, content)
  ), fresh as (
    insert into usage.event_key (tenant, key, time, content)
      select tenant, key, time, content from offered order by tenant, key
      on conflict do nothing returning tenant, key, time
  ), marked as (
    insert into usage.dirty (tenant, minutes)
      select tenant, array_agg(distinct date_bin('1 minute', time, 'epoch')) from fresh group by tenant
  )
  select key from offered where key not in (select key from fresh)`

/** In a statement of its own: it sees what another writer has written meanwhile. */
const KNOWN = `
  select k.key, k.content from unnest($1::text[], $2::uuid[]) as asked (tenant, key)
    join usage.event_key k using (tenant, key)`

const AMENDMENTS = `
  insert into usage.amendment (tenant, target, key, voids, time)
    select tenant, target, key, voids, time from usage.event e
      join unnest($1::text[], $2::timestamptz[], $3::uuid[]) as written (tenant, time, key)
        using (tenant, time, key)`

/**
 * Writes rows, of which no two have one name, in the transaction of `client`.
 * @returns what stands under the names that were taken before
 */
export async function writeBatch(
  client: pg.ClientBase,
  rows: readonly CopyRow[],
): Promise<readonly Known[]> {
  const { rows: taken } = await client.query<{ key: string }>({
    name: 'take-usage-names',
    text: TAKE_NAMES,
    values: [
      arrayOf(rows, ({ tenant }) => tenant),
      arrayOf(rows, ({ key }) => key),
      arrayOf(rows, ({ time }) => time),
      arrayOf(rows, ({ content }) => content),
    ],
  })
  const known = new Set(taken.map(({ key }) => key))
  const fresh = known.size === 0 ? rows : rows.filter(({ key }) => !known.has(key))
  if (fresh.length > 0) await copyEvents(client, fresh)
  if (known.size === 0) return []
  const asked = rows.filter(({ key }) => known.has(key))
  const standing = await client.query<Known>(KNOWN, [
    arrayOf(asked, ({ tenant }) => tenant),
    arrayOf(asked, ({ key }) => key),
  ])
  const stands = new Set(standing.rows.map(({ key }) => key))
  // Names that were let go of meanwhile: whoever had them is gone, and so these are the first.
  const freed = asked.filter(({ key }) => !stands.has(key))
  return freed.length === 0
    ? standing.rows
    : [...standing.rows, ...(await writeBatch(client, freed))]
}

/** Straight into the day's partition: the server makes out of a COPY fewer and larger writes. */
async function copyEvents(client: pg.ClientBase, rows: readonly CopyRow[]): Promise<void> {
  const text = Buffer.from(rows.map((row) => `${row.text}\n`).join(''))
  const into = client.query(copyFrom(`copy usage.event (${COPY_COLUMNS}) from stdin`))
  await pipeline(Readable.from([text]), into)
  const amendments = rows.filter(({ isAmendment }) => isAmendment)
  if (amendments.length === 0) return
  await client.query(AMENDMENTS, [
    arrayOf(amendments, ({ tenant }) => tenant),
    arrayOf(amendments, ({ time }) => time),
    arrayOf(amendments, ({ key }) => key),
  ])
}

/** As PostgreSQL writes an array. Tenants, keys and times have no quotes and no backslashes. */
const arrayOf = (rows: readonly CopyRow[], part: (row: CopyRow) => string) =>
  `{"${rows.map(part).join('","')}"}`

/** Keeps what came under a taken name, for whoever asks what was sent. */
export async function keepConflicts(
  client: pg.ClientBase,
  rows: readonly CopyRow[],
): Promise<void> {
  for (const { key, content, received } of rows) {
    await client.query(
      `insert into usage.conflict (tenant, key, content, event, reporter)
        values ($1, $2, $3, $4, $5) on conflict do nothing`,
      [received.event.tenantid, key, content, JSON.stringify(received.event), received.reporter],
    )
  }
}
