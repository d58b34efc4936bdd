import type { IdentityDatabase } from '../identity-database.ts'

/** Tables whose rows are nothing any more after a time. */
const EXPIRING = [
  'sign_in_attempt where expires_at',
  'passkey_challenge where expires_at',
  'known_device where expires_at',
  'mail_link where expires_at',
  'email_change where expires_at',
  'throttle where forgotten_at',
] as const

/** Deletes what is past. @throws RingfenceError `engine_unavailable` */
export async function sweepSignIn(database: IdentityDatabase): Promise<void> {
  for (const table of EXPIRING) {
    await database.query(`delete from identity.${table} <= now()`)
  }
}
