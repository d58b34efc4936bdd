import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { migrateSteps } from '../database/migrate-steps.ts'
import { contentHash, eventKey } from '../usage/event-key.ts'
import { METERING_MIGRATIONS } from './metering-migrations.ts'
import { add, type MeteringSite, meteringSite, usageEvent } from './metering-site.test-support.ts'

let site: MeteringSite
before(async () => {
  site = await meteringSite()
})
after(() => site.close())

test('what was counted before names were kept in one table is not counted again after', async () => {
  const [known, other, fresh] = [usageEvent(), usageEvent(), usageEvent()]
  const client = await site.asked.connect()
  try {
    await migrateSteps(client, 'usage', METERING_MIGRATIONS.slice(0, 1))
    for (const event of [known, other]) {
      await client.query(
        'insert into usage.event_key (tenant, key, time, content) values ($1, $2, $3, $4)',
        [
          event.tenantid,
          eventKey(event.tenantid, event.source, event.id),
          event.time,
          contentHash(event),
        ],
      )
    }
  } finally {
    client.release()
  }
  const metering = await site.open()
  const changed = { ...other, time: new Date(Date.parse(other.time) + 1_000).toISOString() }
  assert.deepEqual(await add(metering, [known, changed, fresh]), [
    'duplicate',
    'conflict',
    'accepted',
  ])
})
