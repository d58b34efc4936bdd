import { literal } from '../connection.ts'
import { groundRow } from '../rehearsal/side.ts'
import type { Session } from '../rehearsal/session.ts'
import type { Duel } from './postgres-attack.ts'

/** Milliseconds that the work waits for a lock. Nothing else in a rehearsal holds any. */
const LOCK_TIMEOUT_MS = 50

/**
 * What an application does all day, as the victim and rolled back: reads, inserts, updates, deletes,
 * a lock and a message of its own. Returns undefined when all went well, otherwise what did not.
 */
export async function ordinaryWork(
  duel: Duel,
  lockTimeout: number = LOCK_TIMEOUT_MS,
): Promise<string | undefined> {
  let worker: Session
  try {
    worker = await duel.asVictimAnew()
  } catch {
    return 'could not connect'
  }
  const id = literal(String(groundRow(duel.victim, 'note')['id']))
  const { code } = await worker.run(`
    set lock_timeout = ${lockTimeout};
    begin;
    select title from ground.note;
    select code from ground.code;
    insert into ground.note (title) values ('work');
    update ground.note set body = 'work' where id = ${id};
    insert into ground.reply (note_id, body) values (${id}, 'work');
    insert into ground.event (payload) values ('work');
    select rf_delete.note(${id});
    select rf.lock('work'), rf.notify('work', 'done');`)
  await worker.run('rollback')
  return code === undefined ? undefined : `could not work: ${code}`
}
