import type { Door } from './postgres-attack.ts'

/** Shows a canary to whoever may see the rows that this statement list reads. */
export const LOOK: readonly string[] = [
  'select title from ground.note',
  'select body from ground.reply',
  'select image from ground.note_history',
]

/** What came of a door, in a few words. */
export function describeDoor({ session, code }: Door): string {
  return session === undefined ? `refused with ${code}` : 'opened'
}
