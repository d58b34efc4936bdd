import pg from 'pg'
import { copyIn } from './copy-in.ts'
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
  // In the index's order, so that two writers with the same ones wait for each other and not in a circle,
  // and so that a tenant's events, which are read together, stand side by side.
  const ordered = rows.toSorted(byName)
  let known = asksFirst ? await knownOf(client, ordered) : []
  let fresh = without(ordered, known)
  while (!(await writeFresh(client, fresh))) {
    // Somebody who has committed had one of them. Each time around there is more that is known.
    await client.query('rollback to savepoint names')
    known = await knownOf(client, ordered)
    fresh = without(ordered, known)
  }
  const amendments = fresh.filter(({ isAmendment }) => isAmendment)
  if (amendments.length === 0) return known
  await client.query(AMENDMENTS, [
    arrayOf(amendments, ({ tenant }) => tenant),
    arrayOf(amendments, ({ time }) => time),
    arrayOf(amendments, ({ key }) => key),
  ])
  return known
}

const byName = (a: CopyRow, b: CopyRow) => {
  if (a.tenant !== b.tenant) return a.tenant < b.tenant ? -1 : 1
  return a.key < b.key ? -1 : 1
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

/**
 * Names, marks and events, which the server makes fewer and larger writes of than of rows that are inserted.
 * @returns false when a name is another's; the transaction is then to go back to its savepoint
 */
async function writeFresh(client: pg.ClientBase, rows: readonly CopyRow[]): Promise<boolean> {
  if (rows.length === 0) return true
  let names = ''
  let events = ''
  for (const { tenant, key, minute, content, text } of rows) {
    names += `${tenant}\t${key}\t${minute}\t${content}\n`
    events += `${text}\n`
  }
  await client.query('savepoint names')
  try {
    await copyIn(client, COPY_NAMES, names)
    await client.query(marks(rows))
    await copyIn(client, COPY_EVENTS, events)
    return true
  } catch (error) {
    if (isOfNames(error)) return false
    throw error
  }
}

const COPY_NAMES = 'copy usage.event_key (tenant, key, minute, content) from stdin'
const COPY_EVENTS = `copy usage.event (${COPY_COLUMNS}) from stdin`

const isOfNames = (error: unknown) =>
  error instanceof pg.DatabaseError &&
  error.code === UNIQUE_VIOLATION &&
  error.table?.startsWith('event_key') === true

/** What the rollups do not say yet. */
function marks(rows: readonly CopyRow[]): string {
  const values = [...Map.groupBy(rows, ({ tenant }) => tenant)].map(([tenant, own]) => {
    const minutes = new Set(own.map(({ minute }) => minute))
    return `(${pg.escapeLiteral(tenant)}, '{${[...minutes].join()}}')`
  })
  return `insert into usage.dirty (tenant, minutes)
    select tenant, array(select to_timestamp(minute::bigint * 60) from unnest(minutes::int[]) as minute)
      from (values ${values.join()}) as marked (tenant, minutes)`
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
