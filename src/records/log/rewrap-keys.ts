import type { LogName } from '../../audit/entry.ts'
import { boundToDataKey } from './data-keys.ts'
import type { PostgresLogStore } from './postgres-log-store.ts'
import { boundToSigningKey } from './signing-keys.ts'

interface WrappedRow {
  readonly log: LogName
  readonly name: string
  readonly wrapped: Buffer
}

/** Where keys lie wrapped, and what each is bound to. */
const TABLES = [
  { table: 'log_data_key', name: 'key', boundTo: boundToDataKey },
  { table: 'log_signing_key', name: 'vkey', boundTo: boundToSigningKey },
] as const

/**
 * Wraps anew, with the key-encryption key in use, what an older one has wrapped. Afterwards the older
 * one can be taken out of its file.
 * @returns how many keys it were
 * @throws RingfenceError `internal` when one opens with none of the keys
 */
export async function rewrapKeys({ parts }: PostgresLogStore): Promise<number> {
  const { database, keys } = parts
  let rewrapped = 0
  for (const { table, name, boundTo } of TABLES) {
    const rows = await database.query<WrappedRow & Record<string, unknown>>(
      `select log, ${name} as name, wrapped from records.${table} where wrapped is not null`,
    )
    for (const row of rows.filter(({ wrapped }) => keys.isStale(wrapped))) {
      const bound = boundTo(row.log, row.name)
      const again = keys.wrap(keys.unwrap(row.wrapped, bound), bound)
      // What was shredded or retired meanwhile stays so.
      await database.query(
        `update records.${table} set wrapped = $4
         where log = $1 and ${name} = $2 and wrapped = $3`,
        [row.log, row.name, row.wrapped, again],
      )
      rewrapped += 1
    }
  }
  return rewrapped
}
