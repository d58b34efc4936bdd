import { type AuditEntry, type LogName, logOf } from '../../audit/entry.ts'
import { HASH_BYTES, leafHash } from '../../transparency/merkle-hash.ts'
import type { DataKeys } from './data-keys.ts'
import { openEnvelope, sealEntry } from './envelope.ts'
import type { LogClient } from './log-database.ts'
import { type LockedHead, lockHeads } from './log-heads.ts'
import type { LogParts } from './log-parts.ts'

/** Levels of tiles: every eighth of the tree's. */
const TILE_HEIGHT = 8

/** What a transaction adds to the tables, column by column. */
class Additions {
  readonly entries = {
    logs: [] as LogName[],
    places: [] as number[],
    ids: [] as string[],
    hashes: [] as Uint8Array[],
    bytes: [] as Buffer[],
  }
  readonly nodes = {
    logs: [] as LogName[],
    levels: [] as number[],
    places: [] as number[],
    hashes: [] as Uint8Array[],
  }

  add({ log, range }: LockedHead, id: string, bytes: Buffer): void {
    const hash = leafHash(bytes)
    this.entries.logs.push(log)
    this.entries.places.push(range.size)
    this.entries.ids.push(id)
    this.entries.hashes.push(hash)
    this.entries.bytes.push(bytes)
    range.append(hash, (height, place, node) => {
      if (height === 0 || height % TILE_HEIGHT !== 0) return
      this.nodes.logs.push(log)
      this.nodes.levels.push(height / TILE_HEIGHT)
      this.nodes.places.push(place)
      this.nodes.hashes.push(node)
    })
  }
}

/**
 * Enters what is not yet in the logs, in the caller's transaction, in which nobody else appends to them.
 * @param isOpen whether everybody may read the entries: they are not encrypted
 * @returns the logs that have grown, and their sizes
 */
export async function enterEntries(
  client: LogClient,
  parts: LogParts,
  dataKeys: DataKeys,
  entries: readonly AuditEntry[],
  isOpen = false,
): Promise<ReadonlyMap<LogName, number>> {
  const known = new Set<string>()
  const logs = new Set(entries.map(({ tenant }) => logOf(tenant)))
  const heads = await lockHeads(client, parts, [...logs])
  for (const { log, id } of await entered(client, entries)) known.add(`${log} ${id}`)
  const additions = new Additions()
  const grown = new Map<LogName, LockedHead>()
  for (const entry of entries) {
    const log = logOf(entry.tenant)
    const head = heads.get(log)
    const id = entry.id.toLowerCase()
    if (head === undefined || known.has(`${log} ${id}`)) continue
    known.add(`${log} ${id}`)
    const bytes = isOpen
      ? openEnvelope(entry)
      : sealEntry(log, entry, await dataKeys.current(client, head))
    additions.add(head, id, bytes)
    grown.set(log, head)
  }
  if (grown.size > 0) await write(client, additions, [...grown.values()])
  return new Map([...grown].map(([log, { range }]) => [log, range.size]))
}

async function entered(client: LogClient, entries: readonly AuditEntry[]) {
  const { rows } = await client.query<{ readonly log: LogName; readonly id: string }>({
    name: 'known-log-entries',
    // The limit keeps the planner from reading the whole table once: it looks up each of them.
    text: `select known.* from unnest($1::text[], $2::uuid[]) as asked (log, id)
      cross join lateral (select e.log, e.id from records.log_entry e
        where e.log = asked.log and e.id = asked.id limit 1) as known`,
    values: [entries.map(({ tenant }) => logOf(tenant)), entries.map(({ id }) => id)],
  })
  return rows
}

async function write(
  client: LogClient,
  { entries, nodes }: Additions,
  heads: readonly LockedHead[],
): Promise<void> {
  await client.query({
    name: 'enter-log-entries',
    text: `with entered as (
        insert into records.log_entry (log, place, id, hash, bytes)
        select log, place, id, substring($4::bytea from hash_at for ${HASH_BYTES}),
          substring($5::bytea from bytes_at for length)
        from unnest($1::text[], $2::bigint[], $3::uuid[], $14::int[], $15::int[], $16::int[])
          as entered (log, place, id, hash_at, bytes_at, length)
      ), noded as (
        insert into records.log_node (log, level, place, hash)
        select * from unnest($6::text[], $7::int[], $8::bigint[], $9::bytea[])
      )
      update records.log_head h set size = new.size, peaks = new.peaks, data_key = new.data_key
      from unnest($10::text[], $11::bigint[], $12::bytea[], $13::text[])
        as new (log, size, peaks, data_key)
      where h.log = new.log`,
    values: [
      entries.logs,
      entries.places,
      entries.ids,
      // As one value each, which goes as it is: of many each would be made into text and back.
      Buffer.concat(entries.hashes),
      Buffer.concat(entries.bytes),
      nodes.logs,
      nodes.levels,
      nodes.places,
      nodes.hashes.map((hash) => Buffer.from(hash)),
      heads.map(({ log }) => log),
      heads.map(({ range }) => range.size),
      heads.map(({ range }) => range.peaks()),
      heads.map(({ dataKey }) => dataKey ?? null),
      entries.hashes.map((_, at) => at * HASH_BYTES + 1),
      placesOf(entries.bytes),
      entries.bytes.map(({ length }) => length),
    ],
  })
}

/** Where each begins when they follow one another; the first byte is number 1. */
function placesOf(parts: readonly Buffer[]): number[] {
  let next = 1
  return parts.map(({ length }) => {
    next += length
    return next - length
  })
}
