import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Metering } from './open-metering.ts'
import {
  ACME,
  add,
  BETA,
  type MeteringSite,
  meteringSite,
  meterOf,
  newTenant,
  usageEvent,
} from './metering-site.test-support.ts'

const VISITS = meterOf({ name: 'visits', aggregation: 'count' })
const FROM = new Date('2026-11-02T00:00:00Z')
const TO = new Date('2026-11-04T00:00:00Z')
const TIME = '2026-11-02T10:00:05.250Z'

let site: MeteringSite
let metering: Metering
before(async () => {
  site = await meteringSite()
  metering = await site.open()
  await metering.setMeters([VISITS], 1)
})
after(() => site.close())

async function visits(tenant = ACME): Promise<bigint> {
  await metering.settled()
  const asked = { tenant, meter: 'visits', from: FROM, to: TO, window: 'whole' } as const
  const [reading] = await metering.readings.read(asked)
  return (reading?.quantity ?? 0n) / 1_000_000n
}

test('an event that comes again counts once, alone, in a batch, and within one batch', async () => {
  const tenantid = newTenant()
  const one = usageEvent({ tenantid, time: TIME })
  const two = usageEvent({ tenantid, time: TIME })
  assert.deepEqual(await add(metering, [one]), ['accepted'])
  assert.deepEqual(await add(metering, [one, two, two]), ['duplicate', 'accepted', 'duplicate'])
  assert.equal(await visits(tenantid), 2n)
})

test('a duplicate with another time or amount is a conflict: it is kept, and the first stands', async () => {
  const tenantid = newTenant()
  const id = 'one-of-a-kind'
  const first = usageEvent({ tenantid, id, time: TIME })
  await add(metering, [first])
  const late = { ...first, time: '2026-11-03T10:00:00Z' }
  const more = { ...first, data: { visits: 7 } }
  assert.deepEqual(await add(metering, [late, more, first]), ['conflict', 'conflict', 'duplicate'])
  assert.deepEqual(await add(metering, [late]), ['conflict'])
  assert.equal(await visits(tenantid), 1n)
  const { rows } = await site.asked.query(
    'select event, reporter from usage.conflict where tenant = $1',
    [tenantid],
  )
  assert.equal(rows.length, 2)
  assert.deepEqual(
    rows.map((row) => (row as { reporter: string }).reporter),
    ['clinic-web', 'clinic-web'],
  )
})

test('the same said in another order and notation is the same', async () => {
  const tenantid = newTenant()
  const one = usageEvent({ tenantid, time: TIME, data: { a: 1, b: 'x' } })
  const same = { ...one, time: '2026-11-02T12:00:05.25+02:00', data: { b: 'x', a: 1 } }
  assert.deepEqual(await add(metering, [one]), ['accepted'])
  assert.deepEqual(await add(metering, [same]), ['duplicate'])
})

test('two tenants may have an event of one name, and neither takes it from the other', async () => {
  const [mine, theirs] = [newTenant(), newTenant()]
  const one = usageEvent({ tenantid: mine, time: TIME })
  assert.deepEqual(await add(metering, [one]), ['accepted'])
  assert.deepEqual(await add(metering, [{ ...one, tenantid: theirs }]), ['accepted'])
  assert.deepEqual([await visits(mine), await visits(theirs)], [1n, 1n])
})

test('many that bring the same at once bring it once', async () => {
  const tenantid = newTenant()
  const batch = Array.from({ length: 200 }, () => usageEvent({ tenantid, time: TIME }))
  const other = await site.open()
  const fates = await Promise.all(
    [metering, other, metering, other, metering].map((one, at) =>
      add(one, at % 2 === 0 ? batch : batch.toReversed()),
    ),
  )
  const accepted = fates.flat().filter((fate) => fate === 'accepted')
  assert.equal(accepted.length, batch.length)
  assert.equal(await visits(tenantid), 200n)
})

test('of a large batch of which some are there already the others are kept, each with its name', async () => {
  const tenantid = newTenant()
  const batch = Array.from({ length: 4_000 }, (_, at) =>
    usageEvent({ tenantid, time: TIME, data: { text: 'x'.repeat(300), at } }),
  )
  const there = new Set(batch.filter((_, at) => at % 9 === 0))
  await add(metering, [...there])
  const expected = batch.map((event) => (there.has(event) ? 'duplicate' : 'accepted'))
  // By a store that expects no duplicates, and by one that has just met some.
  const other = await site.open()
  assert.deepEqual(await add(other, batch.slice(0, 3_000)), expected.slice(0, 3_000))
  assert.deepEqual(await add(other, batch.slice(3_000)), expected.slice(3_000))
  assert.equal(await visits(tenantid), 4_000n)
  const { rows } = await site.asked.query<{ n: number }>(
    `select count(*)::int n from usage.event e join usage.event_key k using (tenant, key)
      where tenant = $1 and minute = floor(extract(epoch from time) / 60)`,
    [tenantid],
  )
  assert.equal(rows[0]?.n, 4_000)
})

test('the minutes that are to be measured are those of the events, also after the year 2038', async () => {
  const tenantid = newTenant()
  await add(metering, [usageEvent({ tenantid, time: '2150-07-01T23:59:59.999Z' })])
  const { rows } = await site.asked.query<{ minutes: readonly Date[] }>(
    'select minutes from usage.dirty where tenant = $1',
    [tenantid],
  )
  assert.deepEqual(rows, [{ minutes: [new Date('2150-07-01T23:59:00Z')] }])
})

test('text that only looks like the end of a row is text', async () => {
  const tenantid = newTenant()
  const odd = ['\\N', '\\.', 'a\\tb', '"', "'; drop table usage.event --", 'ä😀', '\\']
  const batch = odd.map((id) => usageEvent({ tenantid, id, time: TIME, data: { odd: id } }))
  await add(metering, batch)
  const { rows } = await site.asked.query<{ id: string; odd: string }>(
    "select id, data ->> 'odd' as odd from usage.event where tenant = $1 order by id",
    [tenantid],
  )
  assert.deepEqual(rows.map(({ id }) => id).toSorted(), odd.toSorted())
  assert.ok(rows.every(({ id, odd }) => id === odd))
})

test('what the database refuses is refused to who brought it, and to nobody else', async () => {
  const tenantid = newTenant()
  const good = usageEvent({ tenantid, time: TIME })
  // No edge lets it in; the store does not rely on that.
  const bad = { ...usageEvent({ tenantid, time: TIME }), data: { text: '\u0000' } }
  const outcomes = await Promise.allSettled([add(metering, [bad]), add(metering, [good])])
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'fulfilled'],
  )
  assert.equal(await visits(tenantid), 1n)
})

test('what is too much to wait is refused at once, and nothing of it is kept', async () => {
  const tenantid = newTenant()
  const batch = Array.from({ length: 60 }, () => usageEvent({ tenantid, time: TIME }))
  const small = await site.open({ waitingMax: 100 })
  const outcomes = await Promise.allSettled([1, 2, 3, 4].map(() => add(small, batch)))
  const refused = outcomes.filter((one) => one.status === 'rejected')
  assert.ok(refused.length > 0)
  assert.ok(refused.every((one) => (one.reason as { code: string }).code === 'overloaded'))
  assert.equal(await visits(tenantid), 60n)
})

test('a tenant is complete as far as each of its senders, and each plane, has said', async () => {
  const [tenant, other] = [newTenant(), newTenant()]
  await add(metering, [
    usageEvent({ tenantid: tenant, source: '/services/clinic/a', time: TIME }),
    usageEvent({ tenantid: other, source: '/services/shop/a', time: TIME }),
  ])
  await metering.settled()
  const at = (hour: number) => new Date(Date.UTC(2026, 10, 3, hour))
  const said: readonly (readonly [string, number, number, number])[] = [
    // As the journal of a plane is called.
    ['gateway/g1', 5, 5, 5],
    ['/services/clinic/a', 3, 3, 5],
    ['/services/clinic/b', 2, 2, 5],
    // A step back counts for nothing.
    ['/services/clinic/b', 1, 2, 5],
    ['/services/clinic/b', 9, 3, 5],
    ['/services/shop/a', 4, 3, 4],
  ]
  for (const [sender, hour, mine, others] of said) {
    await metering.store.completeTo(sender, at(hour))
    assert.deepEqual(await metering.readings.watermark(tenant), at(mine))
    assert.deepEqual(await metering.readings.watermark(other), at(others))
  }
})

test('what a clock that was set back stamps with a time that was called complete counts all the same', async () => {
  const tenantid = newTenant()
  const source = '/services/back/a'
  const complete = new Date('2026-11-02T12:00:00Z')
  await add(metering, [usageEvent({ tenantid, source, time: TIME })])
  await metering.store.completeTo(source, complete)
  await add(metering, [usageEvent({ tenantid, source, time: '2026-11-02T11:00:00Z' })])
  await metering.store.completeTo(source, new Date('2026-11-02T11:00:01Z'))
  assert.equal(await visits(tenantid), 2n)
  assert.deepEqual(await metering.readings.watermark(tenantid), complete)
})

test('erasing a tenant leaves nothing of it, and everything of another', async () => {
  await add(metering, [
    usageEvent({ tenantid: BETA, time: TIME }),
    usageEvent({ tenantid: ACME, time: TIME }),
  ])
  assert.equal(await visits(BETA), 1n)
  await metering.erase(BETA)
  assert.equal(await visits(BETA), 0n)
  assert.equal(await visits(ACME), 1n)
  const { rows } = await site.asked.query<{ left: boolean }>(
    `select exists (select from usage.event where tenant = 'beta')
      or exists (select from usage.event_key where tenant = 'beta')
      or exists (select from usage.rollup where tenant = 'beta') as left`,
  )
  assert.equal(rows[0]?.left, false)
})

test('days that are let go take their events, and their names go later', async () => {
  const tenantid = newTenant()
  const old = usageEvent({ tenantid, time: '2026-10-01T10:00:00Z' })
  await add(metering, [old])
  assert.equal(await metering.forget(new Date('2026-10-15T00:00:00Z'), 90 * 86_400_000), 1)
  assert.deepEqual(await add(metering, [old]), ['duplicate'])
})
