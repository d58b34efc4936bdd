import type pg from 'pg'
import { type AuditEntry, auditEntrySchema } from '../audit/entry.ts'

/** What is in the inbox, in order, each of which must be an entry that a log takes. */
export async function enteredIn(admin: Pick<pg.Client, 'query'>): Promise<readonly AuditEntry[]> {
  const { rows } = await admin.query<{ entry: unknown }>(
    'select entry from audit.inbox order by seq',
  )
  return rows.map(({ entry }) => auditEntrySchema.parse(entry))
}

/** Runs `work` while the inbox takes nothing. */
export async function withFullInbox(
  admin: Pick<pg.Client, 'query'>,
  work: () => Promise<void>,
): Promise<void> {
  await admin.query(`create or replace function public.refuse() returns trigger language plpgsql as
    $$ begin raise exception 'the disk is full'; end $$`)
  await admin.query(
    'create trigger refuse before insert on audit.inbox execute function public.refuse()',
  )
  try {
    await work()
  } finally {
    await admin.query('drop trigger refuse on audit.inbox')
  }
}
