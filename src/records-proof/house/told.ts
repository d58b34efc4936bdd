import { Alerts } from '../../alerts/open-alerts.ts'
import { StoredAlerts } from '../../alerts/stored-alerts.ts'
import { BehaviourDatabase } from '../../behaviour/behaviour-database.ts'
import { StoredResponses } from '../../behaviour/stored-responses.ts'
import type { BillingDatabase } from '../../billing/store/billing-database.ts'
import { prepareAlerts } from '../../records/alert-rows.ts'
import { LogDatabase, type LogDatabaseSettings } from '../../records/log/log-database.ts'
import { prepareStreams } from '../../records/streams/open-streams.ts'

/** What tenants are told of, and by which ways: their sinks, their alerts, and what detectors have done. */
export async function openTold(settings: LogDatabaseSettings, rows: BillingDatabase) {
  await prepareStreams(settings)
  await prepareAlerts(settings)
  const store = new StoredAlerts(rows)
  const alerts = await Alerts.open({ store, sinks: () => [], log: () => undefined })
  const behaviour = await BehaviourDatabase.open(settings)
  const records = new LogDatabase(settings)
  return {
    alerts,
    responses: new StoredResponses(behaviour),
    records,
    async close() {
      await alerts.close()
      await behaviour.close()
      await records.close()
    },
  }
}
