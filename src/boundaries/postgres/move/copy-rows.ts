import { literal } from '../connection.ts'
import { copyBetween } from './copy-stream.ts'
import type { MoveTable } from './move-tables.ts'
import type { Reading, Transfer } from './transfer.ts'

/** Columns as they are read at the source, with the tenant's new key in the tenant's column. */
function read(transfer: Transfer, table: MoveTable, condition: string): string {
  const columns = [`${literal(transfer.targetKey)}::uuid`, ...table.columns].join(', ')
  return `copy (select ${columns} from ${table.rows} t where ${transfer.isSource(table)}${condition}) to stdout`
}

const columnsOf = (table: MoveTable) => [table.tenantColumn, ...table.columns].join(', ')

/** Copies all of the tenant's rows of one table, in place of what the target has. Inside `writing`. */
export async function copyWhole(transfer: Transfer, table: MoveTable): Promise<number> {
  await transfer.target.query(`delete from ${table.rows} where ${transfer.isTarget(table)}`)
  return copyBetween(
    transfer.source,
    read(transfer, table, ''),
    transfer.target,
    `copy ${table.qualified} (${columnsOf(table)}) from stdin`,
  )
}

/**
 * An SQL condition: the row was written by a transaction that is not older than `since`. A row holds
 * only the lower half of its transaction's number; the upper half follows from the newest number that
 * the snapshot sees. A row so old that it is taken for a new one is merely copied again.
 *
 * It is the oldest running transaction that counts, not each one that is listed as running: the list
 * leaves out subtransactions, whose numbers rows bear, too.
 */
function changedSince(since: bigint, { next }: Reading): string {
  const low = next & 0xffff_ffffn
  const age = `((${low} - t.xmin::text::bigint + 4294967296) & 4294967295)`
  return `${next} - ${age} >= ${since}`
}

/** Brings one table to the source's present state. Returns the rows written. Inside `writing`. */
export async function copyChanges(
  transfer: Transfer,
  table: MoveTable,
  since: bigint,
  reading: Reading,
): Promise<number> {
  const { source, target } = transfer
  const changed = changedSince(since, reading)
  const { rows } = await source.query<{ all: string; changed: string }>(
    `select count(*) as all, count(*) filter (where ${changed}) as changed
     from ${table.rows} t where ${transfer.isSource(table)}`,
  )
  const all = Number(rows[0]?.all)
  const fresh = Number(rows[0]?.changed)
  if (fresh === 0 && (await count(transfer, table)) === all) return 0
  const { key } = table
  if (key === undefined) return copyWhole(transfer, table)
  await target.query(
    `create temporary table rf_changed on commit drop as
     select ${columnsOf(table)} from ${table.qualified} limit 0`,
  )
  await copyBetween(
    source,
    read(transfer, table, ` and ${changed}`),
    target,
    `copy pg_temp.rf_changed (${columnsOf(table)}) from stdin`,
  )
  await target.query('analyze pg_temp.rf_changed')
  const same = (other: string) => key.map((name) => `t.${name} = ${other}.${name}`).join(' and ')
  await target.query(
    `delete from ${table.rows} t using pg_temp.rf_changed c where ${transfer.isTarget(table, 't.')} and ${same('c')}`,
  )
  // What is there now has not changed at the source, or is gone there. It goes before anything comes:
  // a new row may have a unique value of one that was deleted.
  if ((await count(transfer, table)) !== all - fresh) await dropDeleted(transfer, table, key)
  await target.query(
    `insert into ${table.qualified} (${columnsOf(table)}) overriding system value
     select ${columnsOf(table)} from pg_temp.rf_changed`,
  )
  await target.query('drop table pg_temp.rf_changed')
  return fresh
}

async function dropDeleted(
  transfer: Transfer,
  table: MoveTable,
  key: readonly string[],
): Promise<void> {
  const { source, target } = transfer
  const names = key.join(', ')
  await target.query(
    `create temporary table rf_present on commit drop as select ${names} from ${table.qualified} limit 0`,
  )
  await copyBetween(
    source,
    `copy (select ${names} from ${table.rows} where ${transfer.isSource(table)}) to stdout`,
    target,
    `copy pg_temp.rf_present from stdin`,
  )
  await target.query('analyze pg_temp.rf_present')
  await target.query(
    `delete from ${table.rows} t where ${transfer.isTarget(table, 't.')} and not exists (
       select from pg_temp.rf_present p where ${key.map((name) => `t.${name} = p.${name}`).join(' and ')})`,
  )
  await target.query('drop table pg_temp.rf_present')
}

/** The tenant's rows in the target. */
export async function count(transfer: Transfer, table: MoveTable): Promise<number> {
  const { rows } = await transfer.target.query<{ count: string }>(
    `select count(*) from ${table.rows} where ${transfer.isTarget(table)}`,
  )
  return Number(rows[0]?.count)
}
