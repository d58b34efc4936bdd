import { createHash } from 'node:crypto'
import type { Tx } from '../database/pooled-database.ts'

/**
 * True at the first call for a message, in any control process, and false for as long as it is
 * remembered. Only a digest of the message's name is kept.
 */
export async function takeOnce(
  tx: Pick<Tx, 'query'>,
  message: string,
  seconds: number,
): Promise<boolean> {
  const rows = await tx.query(
    `insert into registry.message_seen (id, until)
     values ($1, clock_timestamp() + make_interval(secs => $2))
     on conflict (id) do nothing returning 1 as one`,
    [createHash('sha256').update(message).digest('hex'), seconds],
  )
  return rows.length > 0
}

/** Forgets what nobody could replay any more. */
export async function forgetOldMessages(tx: Pick<Tx, 'query'>): Promise<void> {
  await tx.query('delete from registry.message_seen where until < clock_timestamp()')
}
