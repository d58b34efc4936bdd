import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { until } from '../../src/core/until.test-support.ts'
import { usageStreamSchema } from '../../src/metering/jetstream/usage-stream-settings.ts'
import {
  add,
  type MeteringSite,
  meteringSite,
  meterOf,
  newTenant,
  usageEvent,
} from '../../src/metering/metering-site.test-support.ts'
import type { Metering } from '../../src/metering/open-metering.ts'
import { scratch } from '../../src/clusters/scratch.test-support.ts'
import type { TenantId } from '../../src/core/tenant.ts'
import { startNats } from './nats-server.ts'

const FROM = new Date('2026-11-02T00:00:00Z')
const TO = new Date('2026-11-03T00:00:00Z')
const TIME = '2026-11-02T10:00:00Z'

let site: MeteringSite
before(async () => {
  site = await meteringSite()
})
after(() => site.close())

const countOf = async (tenant: TenantId) => {
  const { rows } = await site.asked.query<{ n: number }>(
    'select count(*)::int n from usage.event where tenant = $1',
    [tenant],
  )
  return rows[0]?.n ?? 0
}

async function visits(metering: Metering, tenant: TenantId): Promise<bigint> {
  await metering.settled()
  const asked = { tenant, meter: 'visits', from: FROM, to: TO, window: 'whole' } as const
  return ((await metering.readings.read(asked))[0]?.quantity ?? 0n) / 1_000_000n
}

const stored = (directory: string) => `jetstream { store_dir: "${directory}" }`

test('what the stream has taken reaches the store once, however often it was sent, and conflicts are kept', async (t) => {
  const nats = await startNats(t, stored(scratch(t)))
  const { servers, user, passwordFile } = nats.settings('anybody')
  const stream = usageStreamSchema.parse({ servers, user, passwordFile })
  const metering = await site.open({ stream })
  await metering.setMeters([meterOf({ name: 'visits', aggregation: 'count' })], 1)
  const tenantid = newTenant()
  const batch = Array.from({ length: 300 }, () => usageEvent({ tenantid, time: TIME }))
  assert.ok((await add(metering, batch)).every((fate) => fate === 'accepted'))
  assert.ok((await add(metering, batch)).every((fate) => fate === 'duplicate'))
  const [first] = batch
  assert.ok(first)
  await add(metering, [{ ...first, data: { other: 1 } }])
  await until(async () => {
    const { rowCount } = await site.asked.query('select from usage.conflict where tenant = $1', [
      tenantid,
    ])
    return rowCount === 1
  })
  assert.equal(await visits(metering, tenantid), 300n)
  await metering.store.completeTo('/services/clinic/a', new Date(TIME))
  await until(async () => (await metering.readings.watermark(tenantid)).getTime() > 0)
  await metering.close()
})

test('a server that is killed, a consumer that goes, and two at once: nothing is lost, nothing counts twice', async (t) => {
  const nats = await startNats(t, stored(scratch(t)))
  const { servers, user, passwordFile } = nats.settings('anybody')
  const stream = usageStreamSchema.parse({ servers, user, passwordFile })
  const one = await site.open({ stream })
  const two = await site.open({ stream })
  const tenantid = newTenant()
  const promised = new Set<string>()
  const sender = { stopped: false }
  const sending = [one, two].map(async (metering) => {
    while (!sender.stopped) {
      const event = usageEvent({ tenantid, time: TIME })
      // As senders do: again, until it is taken.
      for (;;) {
        const taken = await add(metering, [event]).catch(() => undefined)
        if (taken !== undefined) break
        if (sender.stopped) return
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      promised.add(event.id)
    }
  })
  for (const wanted of [50, 100, 150]) {
    await until(() => promised.size >= wanted)
    await nats.kill()
    await nats.start()
  }
  await until(() => promised.size >= 200)
  sender.stopped = true
  await Promise.all(sending)
  await one.close()
  await until(async () => (await countOf(tenantid)) >= promised.size)
  const { rows } = await site.asked.query<{ id: string }>(
    'select id from usage.event where tenant = $1',
    [tenantid],
  )
  const kept = new Set(rows.map(({ id }) => id))
  assert.deepEqual(
    [...promised].filter((id) => !kept.has(id)),
    [],
  )
  assert.equal(await visits(two, tenantid), BigInt(rows.length))
  await two.close()
})
