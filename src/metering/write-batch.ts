import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { COPY_COLUMNS, type CopyRow } from './copy-row.ts'

/** A name that was taken before, and what stands under it. */
export interface Known {
  readonly key: string
  readonly content: string
}

const UNIQUE_VIOLATION = '23505'

/** In a statement of its own: it sees what another writer has written meanwhile. */
const KNOWN = `
  select k.key, k.content from unnest($1::text[], $2::uuid[]) as asked (tenant, key)
    cross join lateral (
      select * from usage.event_key k where k.tenant = asked.tenant and k.key = asked.key offset 0
    ) k`

const MARKS = `
  insert into usage.dirty (tenant, minutes)
    select tenant, array(select to_timestamp(minute::bigint * 60) from unnest(minutes::int[]) as minute)
      from unnest($1::text[], $2::text[]) as marked (tenant, minutes)`

const AMENDMENTS = `
  insert into usage.amendment (tenant, target, key, voids, time)
    select tenant, target, key, voids, time from usage.event e
      join unnest($1::text[], $2::timestamptz[], $3::uuid[]) as written (tenant, time, key)
        using (tenant, time, key)`

const CONFLICTS = `
  insert into usage.conflict (tenant, key, content, event, reporter)
    select tenant, key, content, event, reporter
      from unnest($1::text[], $2::uuid[], $3::uuid[], $4::jsonb[], $5::text[])
        as came (tenant, key, content, event, reporter)
      order by key, content on conflict do nothing`

/**
 * Writes rows, of which no two have one name, in the transaction of `client`: no name is ever taken without
 * its event.
 * @param asksFirst whether some of them are likely to be there: to ask costs less than to be refused
 * @returns what stands under the names that were taken before
 */
export async function writeBatch(
  client: pg.ClientBase,
  rows: readonly CopyRow[],
  asksFirst: boolean,
): Promise<readonly Known[]> {
  // In their order, so that two writers with the same ones wait for each other and not in a circle.
  const ordered = rows.toSorted((a, b) => (a.key < b.key ? -1 : 1))
  await client.query('savepoint names')
  let known = asksFirst ? await knownOf(client, ordered) : []
  let fresh = without(ordered, known)
  while (!(await takeNames(client, fresh))) {
    // Somebody who has committed had one of them. Each time around there is more that is known.
    await client.query('rollback to savepoint names')
    known = await knownOf(client, ordered)
    fresh = without(ordered, known)
  }
  if (fresh.length === 0) return known
  const byTenant = Map.groupBy(fresh, ({ tenant }) => tenant)
  await mark(client, byTenant)
  await copyEvents(client, byTenant)
  return known
}

function without(rows: readonly CopyRow[], known: readonly Known[]): readonly CopyRow[] {
  if (known.length === 0) return rows
  const keys = new Set(known.map(({ key }) => key))
  return rows.filter(({ key }) => !keys.has(key))
}

async function knownOf(client: pg.ClientBase, rows: readonly CopyRow[]): Promise<readonly Known[]> {
  const asked = await client.query<Known>({
    name: 'known-usage-names',
    text: KNOWN,
    values: [arrayOf(rows, ({ tenant }) => tenant), arrayOf(rows, ({ key }) => key)],
  })
  return asked.rows
}

/** @returns false when one of them is another's; the transaction is then to go back to its savepoint */
async function takeNames(client: pg.ClientBase, rows: readonly CopyRow[]): Promise<boolean> {
  let text = ''
  for (const { tenant, key, minute, content } of rows) {
    text += `${tenant}\t${key}\t${minute}\t${content}\n`
  }
  try {
    await copy(client, 'usage.event_key (tenant, key, minute, content)', text)
    return true
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code === UNIQUE_VIOLATION) return false
    throw error
  }
}

type ByTenant = ReadonlyMap<string, readonly CopyRow[]>

/** What the rollups do not say yet. */
async function mark(client: pg.ClientBase, byTenant: ByTenant): Promise<void> {
  const minutes = [...byTenant.values()].map(
    (rows) => `{${[...new Set(rows.map(({ minute }) => minute))].join()}}`,
  )
  await client.query({
    name: 'mark-usage-minutes',
    text: MARKS,
    values: [[...byTenant.keys()], minutes],
  })
}

/** Straight into the day's partition, what is one tenant's side by side: it is read together. */
async function copyEvents(client: pg.ClientBase, byTenant: ByTenant): Promise<void> {
  let text = ''
  for (const rows of byTenant.values()) for (const row of rows) text += `${row.text}\n`
  await copy(client, `usage.event (${COPY_COLUMNS})`, text)
  const amendments = [...byTenant.values()].flat().filter(({ isAmendment }) => isAmendment)
  if (amendments.length === 0) return
  await client.query(AMENDMENTS, [
    arrayOf(amendments, ({ tenant }) => tenant),
    arrayOf(amendments, ({ time }) => time),
    arrayOf(amendments, ({ key }) => key),
  ])
}

/** The server makes out of a COPY fewer and larger writes than out of rows that are inserted. */
async function copy(client: pg.ClientBase, into: string, text: string): Promise<void> {
  if (text === '') return
  const copying = client.query(copyFrom(`copy ${into} from stdin`))
  await pipeline(Readable.from([Buffer.from(text)]), copying)
}

/** As PostgreSQL writes an array. Tenants, keys and times have no quotes and no backslashes. */
const arrayOf = (rows: readonly CopyRow[], part: (row: CopyRow) => string) =>
  `{"${rows.map(part).join('","')}"}`

/** Keeps what came under a taken name, for whoever asks what was sent. */
export async function keepConflicts(
  client: pg.ClientBase,
  rows: readonly CopyRow[],
): Promise<void> {
  if (rows.length === 0) return
  await client.query(CONFLICTS, [
    rows.map(({ tenant }) => tenant),
    rows.map(({ key }) => key),
    rows.map(({ content }) => content),
    rows.map(({ received }) => JSON.stringify(received.event)),
    rows.map(({ received }) => received.reporter),
  ])
}
