import type { AuditEntry } from './entry.ts'
import { SUBMIT_MAX } from './migrations.ts'

/** What submitting needs of a connection: a client or a pool of any version of `pg` has it. */
export interface SubmitClient {
  query(sql: string, values: unknown[]): Promise<unknown>
}

/**
 * Hands entries over in the transaction of the act that they tell of: neither is there without the
 * other. When it throws, the transaction is broken and the act must not be answered as done.
 * @throws what the database throws
 */
export async function submitEntries(
  client: SubmitClient,
  entries: readonly AuditEntry[],
): Promise<void> {
  for (let from = 0; from < entries.length; from += SUBMIT_MAX) {
    const some = entries.slice(from, from + SUBMIT_MAX)
    await client.query('select audit.submit($1::jsonb)', [JSON.stringify(some)])
  }
}
