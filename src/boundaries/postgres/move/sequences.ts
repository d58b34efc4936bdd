import type pg from 'pg'
import { ident, inTransaction } from '../connection.ts'
import type { Transfer } from './transfer.ts'

interface Sequence {
  readonly name: string
  /** The last number given out; null for none yet. */
  readonly last: string | null
  readonly step: string
  readonly cache: string
}

async function sequences(client: pg.ClientBase, schema: string): Promise<readonly Sequence[]> {
  const { rows } = await client.query<Sequence>(
    `select c.relname as name, pg_sequence_last_value(c.oid)::text as last, s.seqincrement::text as step,
       s.seqcache::text as cache
     from pg_catalog.pg_sequence s join pg_catalog.pg_class c on c.oid = s.seqrelid
     where c.relnamespace = to_regnamespace($1) order by 1`,
    [ident(schema)],
  )
  return rows
}

/**
 * Sets the target's sequences beyond what the source has given out, so that no later row gets a
 * number that a moved row has. What counts is the sequence, not the highest number in a row: that one
 * is the tenant's to choose, and in shared tables a high one would use up everybody's numbers.
 */
export async function advanceSequences(transfer: Transfer): Promise<void> {
  const { schema } = transfer.application
  const there = new Map((await sequences(transfer.target, schema)).map((one) => [one.name, one]))
  for (const { name, last } of await sequences(transfer.source, schema)) {
    const present = there.get(name)
    if (last === null || present === undefined || !isBehind(present, last)) continue
    await inTransaction(transfer.target, async () => {
      // Changes nothing, but waits for those who take a number and keeps others from taking one.
      const qualified = `${ident(schema)}.${ident(name)}`
      await transfer.target.query(`alter sequence ${qualified} cache ${present.cache}`)
      const now = (await sequences(transfer.target, schema)).find((one) => one.name === name)
      if (now !== undefined && isBehind(now, last)) {
        await transfer.target.query('select setval($1::regclass, $2::bigint)', [qualified, last])
      }
    })
  }
}

function isBehind({ last, step }: Sequence, other: string): boolean {
  if (last === null) return true
  return BigInt(step) > 0n ? BigInt(last) < BigInt(other) : BigInt(last) > BigInt(other)
}
