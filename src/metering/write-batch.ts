import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { COPY_COLUMNS, type CopyRow } from './copy-row.ts'

/** What was there before, by its place in the batch. */
export interface Known {
  readonly at: number
  readonly content: string
}

const STAGE = `create temporary table if not exists staged (
    at int not null, tenant text not null, time timestamptz not null, key uuid not null,
    source text not null, id text not null, type text not null, subject text, context_tenant text,
    grant_id text, traceparent text, dataschema text, target uuid, voids boolean not null,
    data jsonb not null, reporter text not null, content uuid not null
  ) on commit delete rows`

/**
 * Names are taken and events written by one statement: no name is ever taken without its event. Names in
 * their order, so that two writers with the same ones wait for each other and not in a circle.
 */
const WRITE = `
  with fresh as (
    insert into usage.event_key (tenant, key, time, content)
      select tenant, key, time, content from staged order by tenant, key
      on conflict do nothing returning tenant, key
  ), taken as (
    select s.* from staged s join fresh using (tenant, key)
  ), kept as (
    insert into usage.event (tenant, time, key, source, id, type, subject, context_tenant, grant_id,
        traceparent, dataschema, target, voids, data, reporter)
      select tenant, time, key, source, id, type, subject, context_tenant, grant_id,
        traceparent, dataschema, target, voids, data, reporter from taken
  ), amended as (
    insert into usage.amendment (tenant, target, key, voids, time)
      select tenant, target, key, voids, time from taken where target is not null
  ), marked as (
    insert into usage.dirty (tenant, minute)
      select distinct tenant, date_trunc('minute', time) from taken
  )
  select s.at from staged s left join fresh using (tenant, key) where fresh.key is null`

/** In a statement of its own: it sees what another writer has written meanwhile. */
const KNOWN = `
  select s.at, k.content from staged s join usage.event_key k using (tenant, key)
    where s.at = any($1::int[])`

/**
 * Writes rows, of which no two have one name, in the transaction of `client`.
 * @returns those whose name was taken before
 */
export async function writeBatch(
  client: pg.ClientBase,
  rows: readonly CopyRow[],
): Promise<readonly Known[]> {
  await client.query(STAGE)
  let text = ''
  for (const [at, row] of rows.entries()) text += `${at}\t${row.text}\n`
  const into = client.query(copyFrom(`copy staged (at, ${COPY_COLUMNS}) from stdin`))
  await pipeline(Readable.from([Buffer.from(text)]), into)
  const { rows: others } = await client.query<{ at: number }>(WRITE)
  if (others.length === 0) return []
  const { rows: known } = await client.query<Known>(KNOWN, [others.map(({ at }) => at)])
  return known
}

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
