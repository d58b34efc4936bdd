import type pg from 'pg'
import { RingfenceError } from '../../../core/errors.ts'
import { ident } from '../connection.ts'
import type { CutOver } from '../../boundary.ts'
import type { MoveTable } from './move-tables.ts'
import type { Transfer } from './transfer.ts'

type Verified = CutOver['verified'][number]

/**
 * Counts and hashes the tenant's rows of every table in both places, without the tenant's key, which
 * differs, and without generated columns, which may be made from it.
 * @throws RingfenceError `move_failed` that names the tables in which the places differ
 */
export async function verifyEqual(transfer: Transfer): Promise<readonly Verified[]> {
  const { source, target, tables } = transfer
  const [here, there] = await Promise.all([
    digests(source, tables, (table) => transfer.isSource(table)),
    digests(target, tables, (table) => transfer.isTarget(table)),
  ])
  const different = here.filter(
    ({ count, hash }, index) => count !== there[index]?.count || hash !== there[index]?.hash,
  )
  if (different.length > 0) {
    const names = different.map(({ item }) => item).join(', ')
    throw new RingfenceError('move_failed', `the two places differ in ${names}; the old one stays`)
  }
  return here
}

async function digests(
  client: pg.Client,
  tables: readonly MoveTable[],
  own: (table: MoveTable) => string,
): Promise<readonly Verified[]> {
  const found: Verified[] = []
  for (const table of tables) {
    // Sums do not depend on the rows' order, and two seeds make 128 bits of them.
    const { rows } = await client.query<{ count: string; low: string; high: string }>(
      `select count(*) as count, coalesce(sum(hashtextextended(x.line, 0)::numeric), 0) as low,
         coalesce(sum(hashtextextended(x.line, 1)::numeric), 0) as high
       from (select row(${table.columns.join(', ')})::text collate "C" as line
         from ${table.rows} where ${own(table)}) x`,
    )
    const { count = '', low = '0', high = '0' } = rows[0] ?? {}
    found.push({ item: table.name, count: Number(count), hash: hex(high) + hex(low) })
  }
  return found
}

function hex(sum: string): string {
  return BigInt.asUintN(64, BigInt(sum)).toString(16).padStart(16, '0')
}

/**
 * Looks for rows that refer to a row of a shared table which the new place does not have: shared
 * tables are not the tenant's and are not moved.
 * @throws RingfenceError `move_failed` that names both tables
 */
export async function checkSharedReferences(transfer: Transfer): Promise<void> {
  const { target, tables } = transfer
  const names = (keys: string, relation: string) =>
    `(select array_agg(quote_ident(a.attname) order by at.ord) from unnest(${keys}) with ordinality at(num, ord)
       join pg_catalog.pg_attribute a on a.attrelid = ${relation} and a.attnum = at.num)`
  const { rows } = await target.query<{
    table: string
    other: string
    columns: string[]
    otherColumns: string[]
  }>(
    `select format('%I.%I', n.nspname, c.relname) as table, k.confrelid::regclass::text as other,
       ${names('k.conkey', 'k.conrelid')} as columns, ${names('k.confkey', 'k.confrelid')} as "otherColumns"
     from pg_catalog.pg_constraint k join pg_catalog.pg_class c on c.oid = k.conrelid
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where k.contype = 'f' and k.conparentid = 0 and c.relnamespace = to_regnamespace($1)
       and k.confrelid <> all ($2::text[]::regclass[])`,
    [ident(transfer.application.schema), tables.map(({ qualified }) => qualified)],
  )
  for (const { table, other, columns, otherColumns } of rows) {
    const own = tables.find(({ qualified }) => samePlace(qualified, table))
    if (own === undefined) continue
    const meets = columns.map((name, index) => `o.${otherColumns[index]} = t.${name}`).join(' and ')
    const given = columns.map((name) => `t.${name} is not null`).join(' and ')
    const { rowCount } = await target.query(
      `select from ${own.rows} t where ${transfer.isTarget(own, 't.')} and ${given}
         and not exists (select from ${other} o where ${meets}) limit 1`,
    )
    if (rowCount !== 0) {
      throw new RingfenceError(
        'move_failed',
        `${own.name} refers to rows of the shared table ${other} that the new place does not have: add them there first`,
      )
    }
  }
}

/** The catalog quotes only where it must. */
function samePlace(quoted: string, printed: string): boolean {
  return quoted.replaceAll('"', '') === printed.replaceAll('"', '')
}
