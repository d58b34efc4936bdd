import type pg from 'pg'
import { ALERT_MIGRATIONS } from '../alerts/alert-tables.ts'
import { prepareSchema } from '../database/prepare-schema.ts'
import { usableOrNot } from '../database/server-errors.ts'

/** Serialises preparing processes. The number is "aler" in ASCII. */
const PREPARE_LOCK = 0x616c6572

/** Brings the tables of alerts up to date. @throws RingfenceError `engine_unavailable` */
export function prepareAlerts(settings: pg.ClientConfig): Promise<void> {
  const tables = { schema: 'alerts', steps: ALERT_MIGRATIONS, lock: PREPARE_LOCK }
  return prepareSchema(settings, tables, usableOrNot('the records database'))
}
