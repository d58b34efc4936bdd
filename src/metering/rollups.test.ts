import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import type { MeterConfig } from '../contracts/meter.ts'
import { parseTenantId, type TenantId } from '../core/tenant.ts'
import { eventKey, targetOf } from '../usage/event-key.ts'
import type { UsageEvent } from '../usage/usage-event.ts'
import { MeteringDatabase } from './metering-database.ts'
import type { Metering } from './open-metering.ts'
import {
  add,
  type MeteringSite,
  meteringSite,
  meterOf,
  newTenant,
  usageEvent,
} from './metering-site.test-support.ts'
import { Roller } from './roller.ts'
import type { Reading } from './usage-readings.ts'

const FROM = new Date('2026-11-02T22:58:00Z')
const TO = new Date('2026-11-04T01:02:00Z')
const RUNS = 25

const METERS: readonly MeterConfig[] = [
  meterOf({ name: 'count', aggregation: 'count', groupBy: ['ward'] }),
  meterOf({ name: 'sum', aggregation: 'sum', value: 'n', groupBy: ['ward', 'kind'] }),
  meterOf({ name: 'max', aggregation: 'max', value: 'n' }),
  meterOf({ name: 'unique', aggregation: 'unique', value: '@subject', groupBy: ['ward'] }),
  meterOf({ name: 'latest', aggregation: 'latest', value: 'n', groupBy: ['ward'] }),
  meterOf({
    name: 'filtered',
    aggregation: 'sum',
    value: 'n',
    where: [{ property: 'ward', in: ['north', 'south'] }],
    exclude: [
      { reason: 'health-check', where: [{ property: 'kind', in: ['health'] }] },
      { reason: 'internal', where: [{ property: '@subject', startsWith: 'robot' }] },
    ],
  }),
]

let site: MeteringSite
let metering: Metering
before(async () => {
  site = await meteringSite()
  metering = await site.open()
  await metering.setMeters(METERS, 1)
})
after(() => site.close())

/** What somebody reported, before it has a tenant: corrections name another by its place in the list. */
const saidArbitrary = fc.record({
  minute: fc.nat(26 * 60),
  seconds: fc.integer({ min: 0, max: 59 }),
  n: fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constantFrom('0.000001', '12.5', 0.1, 'none', -1)),
  ward: fc.constantFrom('north', 'south', 'east', undefined),
  kind: fc.constantFrom('visit', 'health'),
  subject: fc.constantFrom('ann', 'bob', 'robot-1', undefined),
  amends: fc.option(fc.record({ how: fc.constantFrom('corrects', 'voids'), which: fc.nat(9) }), {
    nil: undefined,
    freq: 2,
  }),
})
type Said = typeof saidArbitrary extends fc.Arbitrary<infer T> ? T : never

function eventsOf(tenantid: TenantId, said: readonly Said[]): readonly UsageEvent[] {
  return said.map(({ minute, seconds, n, ward, kind, subject, amends }, index) => {
    const which = amends && amends.which % said.length
    return usageEvent({
      tenantid,
      id: `e${index}`,
      time: new Date(FROM.getTime() + minute * 60_000 + seconds * 1_000).toISOString(),
      data: { n, kind, ...(ward === undefined ? {} : { ward }) },
      ...(subject === undefined ? {} : { subject }),
      ...(amends === undefined || which === index
        ? {}
        : { [amends.how]: `/services/clinic e${which}` }),
    })
  })
}

/** What counts, worked out in the plainest way from all that was ever said. */
function counting(events: readonly UsageEvent[]): readonly UsageEvent[] {
  const keyOf = (event: UsageEvent) => eventKey(event.tenantid, event.source, event.id)
  const aimOf = (event: UsageEvent) => {
    const target = targetOf(event)
    return target && eventKey(event.tenantid, target.source, target.id)
  }
  const greatest = (some: readonly UsageEvent[]) =>
    some
      .toSorted((a, b) => Date.parse(a.time) - Date.parse(b.time) || (keyOf(a) < keyOf(b) ? -1 : 1))
      .at(-1)
  const prevails = (event: UsageEvent, seen: ReadonlySet<string>): boolean => {
    const aim = aimOf(event)
    if (aim === undefined || seen.has(keyOf(event))) return true
    const rivals = events.filter((other) => aimOf(other) === aim)
    if (rivals.some((other) => other !== event && other.voids !== undefined)) return false
    if (greatest(rivals) !== event) return false
    const parent = events.find((other) => keyOf(other) === aim)
    return parent === undefined || prevails(parent, new Set([...seen, keyOf(event)]))
  }
  return events.filter(
    (event) =>
      event.voids === undefined &&
      !events.some((other) => aimOf(other) === keyOf(event)) &&
      prevails(event, new Set()),
  )
}

const micros = (n: unknown): bigint | undefined => {
  const text = typeof n === 'number' ? String(n) : typeof n === 'string' ? n : ''
  const match = /^(\d+)(?:\.(\d+))?$/.exec(text)
  return match === null
    ? undefined
    : BigInt(match[1] ?? '') * 1_000_000n + BigInt((match[2] ?? '').padEnd(6, '0').slice(0, 6))
}

function expected(meter: string, all: readonly UsageEvent[]): bigint {
  const events = all.toSorted((a, b) => {
    const key = (event: UsageEvent) => eventKey(event.tenantid, event.source, event.id)
    return Date.parse(a.time) - Date.parse(b.time) || (key(a) < key(b) ? -1 : 1)
  })
  const amounts = events.flatMap((event) => micros(event.data['n']) ?? [])
  const sum = (some: readonly bigint[]) => some.reduce((total, one) => total + one, 0n)
  switch (meter) {
    case 'count':
      return BigInt(events.length) * 1_000_000n
    case 'sum':
      return sum(amounts)
    case 'max':
      return amounts.reduce((most, one) => (one > most ? one : most), 0n)
    case 'unique': {
      const subjects = events.flatMap(({ subject }) => subject ?? [])
      return BigInt(new Set(subjects).size) * 1_000_000n
    }
    case 'latest': {
      const last = new Map<unknown, bigint>()
      for (const { data } of events) {
        const amount = micros(data['n'])
        if (amount !== undefined) last.set(data['ward'] ?? '', amount)
      }
      return sum([...last.values()])
    }
    default:
      return expected(
        'sum',
        events.filter(
          ({ data, subject }) =>
            ['north', 'south'].includes(String(data['ward'])) &&
            data['kind'] !== 'health' &&
            subject?.startsWith('robot') !== true,
        ),
      )
  }
}

const quantityOf = (readings: readonly Reading[]) =>
  readings.reduce((sum, { quantity }) => sum + quantity, 0n)

test('in any order, in any parts, however late and however often: the same bill, which is the right one', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(saidArbitrary, { minLength: 1, maxLength: 12 }),
      fc.infiniteStream(fc.nat(1_000)),
      async (said, chance) => {
        const tenant = newTenant()
        const events = eventsOf(tenant, said)
        // Each at least once, some more often, in an order of its own, rolled up at any moment.
        const sent = [...events, ...events.filter(() => (chance.next().value ?? 0) % 3 === 0)]
          .map((event) => ({ event, order: chance.next().value ?? 0 }))
          .toSorted((a, b) => a.order - b.order)
          .map(({ event }) => event)
        while (sent.length > 0) {
          await add(metering, sent.splice(0, 1 + ((chance.next().value ?? 0) % 5)))
          if ((chance.next().value ?? 0) % 3 === 0) await metering.settled()
        }
        await metering.settled()
        const counted = counting(events)
        for (const { name: meter } of METERS) {
          const asked = { tenant, meter, from: FROM, to: TO }
          const whole = await metering.readings.read({ ...asked, window: 'whole' })
          assert.equal(quantityOf(whole), expected(meter, counted), meter)
          assert.deepEqual(await metering.readings.readFromEvents(asked), whole, meter)
        }
      },
    ),
    { numRuns: RUNS },
  )
})

test('minutes, hours and days each say what the events of theirs say, and add up to the whole', async () => {
  const tenant = newTenant()
  const said = fc.sample(fc.array(saidArbitrary, { minLength: 80, maxLength: 80 }), {
    numRuns: 1,
    seed: 7,
  })[0]
  const events = eventsOf(tenant, said ?? [])
  await add(metering, events)
  await metering.settled()
  const counted = counting(events)
  const day = {
    tenant,
    from: new Date('2026-11-02T00:00:00Z'),
    to: new Date('2026-11-05T00:00:00Z'),
  }
  for (const { name: meter } of METERS) {
    for (const window of ['minute', 'hour', 'day'] as const) {
      for (const { from, to, quantity } of await metering.readings.read({
        ...day,
        meter,
        window,
      })) {
        const within = counted.filter(
          ({ time }) => Date.parse(time) >= from.getTime() && Date.parse(time) < to.getTime(),
        )
        assert.equal(quantity, expected(meter, within), `${meter} ${from.toISOString()}`)
      }
    }
  }
  const sums = await Promise.all(
    (['minute', 'hour', 'day', 'whole'] as const).map(async (window) =>
      quantityOf(await metering.readings.read({ ...day, meter: 'sum', window })),
    ),
  )
  assert.equal(new Set(sums).size, 1)
})

test('measured anew from the events alone, every rollup is what it was', async () => {
  const state = async () => {
    const rows =
      await site.asked.query(`select tenant, meter, span, start, grp, quantity, at, events,
      unread from usage.rollup order by 1, 2, 3, 4, 5`)
    const members = await site.asked.query('select * from usage.member order by 1, 2, 3, 4, 5, 6')
    return [rows.rows, members.rows]
  }
  await metering.settled()
  const kept = await state()
  assert.ok((kept[0]?.length ?? 0) > 100)
  await metering.rebuild()
  await metering.settled()
  assert.deepEqual(await state(), kept)
})

test('a tenant that is marked again and again keeps no other from being measured', async () => {
  await metering.settled()
  // By their order in the database one is before the other, and one has more than is taken at once.
  const [early, late] = [parseTenantId('a-busy-one'), parseTenantId('z-quiet-one')]
  const busy = () =>
    Array.from({ length: 4 }, (_, minute) =>
      usageEvent({
        tenantid: early,
        time: new Date(FROM.getTime() + minute * 60_000).toISOString(),
      }),
    )
  const database = new MeteringDatabase({ ...site.database })
  try {
    const roller = new Roller(database, 3)
    await add(metering, [usageEvent({ tenantid: late, time: FROM.toISOString() })])
    const asked = { tenant: late, meter: 'count', from: FROM, to: TO, window: 'whole' } as const
    for (let round = 0; round < 2; round += 1) {
      await add(metering, busy())
      await add(metering, busy())
      assert.equal(quantityOf(await metering.readings.read(asked)), 0n)
      assert.ok(((await roller.round()) ?? 0) > 0)
    }
    assert.equal(quantityOf(await metering.readings.read(asked)), 1_000_000n)
    // And of those that are left each is measured in the end.
    while ((await roller.round()) !== 0);
    const { rows } = await site.asked.query('select from usage.dirty')
    assert.equal(rows.length, 0)
    const whole = { ...asked, tenant: early }
    assert.equal(quantityOf(await metering.readings.read(whole)), 16_000_000n)
  } finally {
    await database.close()
  }
})

test('a meter that comes later measures what was there before it, and an older configuration changes nothing', async () => {
  const tenant = newTenant()
  await add(metering, [usageEvent({ tenantid: tenant, time: FROM.toISOString(), data: { n: 3 } })])
  await metering.settled()
  const late = meterOf({ name: 'late', aggregation: 'sum', value: 'n' })
  await metering.setMeters([...METERS, late], 2)
  await metering.settled()
  const asked = { tenant, meter: 'late', from: FROM, to: TO, window: 'whole' } as const
  assert.equal(quantityOf(await metering.readings.read(asked)), 3_000_000n)
  await metering.setMeters(METERS, 1)
  assert.equal(quantityOf(await metering.readings.read(asked)), 3_000_000n)
  await metering.setMeters(METERS, 3)
  await assert.rejects(metering.readings.read(asked), { code: 'not_found' })
})

test('groups are told apart, or added up where they are not asked for', async () => {
  const tenant = newTenant()
  const at = (ward: string, n: number, subject: string) =>
    usageEvent({
      tenantid: tenant,
      time: FROM.toISOString(),
      subject,
      data: { ward, n, kind: 'x' },
    })
  await add(metering, [at('north', 1, 'ann'), at('north', 2, 'bob'), at('south', 4, 'ann')])
  await metering.settled()
  const asked = { tenant, from: FROM, to: TO, window: 'whole' } as const
  const said = async (meter: string, by: readonly string[]) =>
    (await metering.readings.read({ ...asked, meter, by })).map(({ group, quantity }) => [
      Object.values(group).join(),
      Number(quantity / 1_000_000n),
    ])
  assert.deepEqual(await said('sum', ['ward']), [
    ['north', 3],
    ['south', 4],
  ])
  assert.deepEqual(await said('sum', ['kind']), [['x', 7]])
  assert.deepEqual(await said('sum', []), [['', 7]])
  assert.deepEqual(await said('max', []), [['', 4]])
  assert.deepEqual(await said('unique', ['ward']), [
    ['north', 2],
    ['south', 1],
  ])
  // Ann is one, in however many wards.
  assert.deepEqual(await said('unique', []), [['', 2]])
  await assert.rejects(said('sum', ['nothing']), { code: 'invalid_argument' })
})

test('a time that does not begin and end with its windows is refused', async () => {
  const tenant = newTenant()
  const odd = new Date('2026-11-02T00:00:30Z')
  for (const window of ['minute', 'hour', 'day', 'whole'] as const) {
    const asked = { tenant, meter: 'sum', window, from: odd, to: TO }
    await assert.rejects(metering.readings.read(asked), { code: 'invalid_argument' })
    await assert.rejects(metering.readings.read({ ...asked, from: TO, to: FROM }), {
      code: 'invalid_argument',
    })
  }
})
