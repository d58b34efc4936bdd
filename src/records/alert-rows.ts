import pg from 'pg'
import { ALERT_MIGRATIONS } from '../alerts/alert-tables.ts'
import { messageOf, RingfenceError } from '../core/errors.ts'
import { migrateSteps } from '../database/migrate-steps.ts'

/** Serialises preparing processes. The number is "aler" in ASCII. */
const PREPARE_LOCK = 0x616c6572

/** Brings the tables of alerts up to date. @throws RingfenceError `engine_unavailable` */
export async function prepareAlerts(settings: pg.ClientConfig): Promise<void> {
  const client = new pg.Client(settings)
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query('select pg_advisory_lock($1)', [PREPARE_LOCK])
    await migrateSteps(client, 'alerts', ALERT_MIGRATIONS)
  } catch (error) {
    throw new RingfenceError('engine_unavailable', 'the records database cannot be used', {
      detail: messageOf(error),
      cause: error,
    })
  } finally {
    // Lets go of the lock too.
    await client.end().catch(() => {})
  }
}
