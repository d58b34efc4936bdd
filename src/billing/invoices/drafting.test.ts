import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  ACME,
  CUSTOMER,
  day,
  ISSUER,
  MemoryCatalogue,
  PRICE,
} from '../billing-site.test-support.ts'
import { MemoryReadings } from '../memory-readings.test-support.ts'
import { parsePeriod } from '../rating/period.ts'
import { NO_TAXES, taxesByCountry } from '../taxes.ts'
import { Drafting } from './drafting.ts'

const JULY = parsePeriod('2026-07')

function stage(taxes = NO_TAXES) {
  const catalogue = new MemoryCatalogue()
  const usage = new MemoryReadings(['requests'])
  const drafting = new Drafting({
    catalogue,
    usage,
    taxes,
    issuerOf: () => Promise.resolve(ISSUER),
    customerOf: () => Promise.resolve(CUSTOMER),
  })
  let events = 0
  const use = (units: number, at: Date, group = {}) => {
    events += 1
    const event = { source: 's', id: String(events), tenant: ACME, meter: 'requests' }
    usage.add({ ...event, time: at, units: BigInt(units), group })
  }
  const draft = async (period = JULY) => drafting.draftsOf(ACME, period, [])
  const lines = async (period = JULY) =>
    (await draft(period)).flatMap((one) =>
      one.lines.map(({ charge, plan, amount }) => `${plan} ${charge} ${amount}`),
    )
  return { catalogue, usage, use, draft, lines }
}

const flat = (amount: number, more = {}) => ({
  currency: 'EUR',
  charges: [{ name: 'base', kind: 'flat', amount }],
  ...more,
})

test('who comes, goes or changes plan in the middle pays parts of what is flat', async () => {
  const { catalogue, lines } = stage()
  catalogue.apply('basic', day('2026-01-01'), flat(3100))
  catalogue.apply('pro', day('2026-01-01'), flat(6200))
  catalogue.put(ACME, 'basic', day('2026-07-11'), day('2026-07-21'))
  catalogue.put(ACME, 'pro', day('2026-07-21'), day('2026-07-31'))
  assert.deepEqual(await lines(), ['basic base 1000', 'pro base 2000'])
  assert.deepEqual(await lines(parsePeriod('2026-06')), [])
})

test('minimums and included units are paid in part too, and tiers are whole', async () => {
  const { catalogue, use, lines } = stage()
  catalogue.apply('basic', day('2026-01-01'), {
    currency: 'EUR',
    minimum: 31_000,
    charges: [
      {
        name: 'calls',
        kind: 'graduated',
        meter: 'requests',
        included: 310,
        tiers: [{ upTo: 100, amount: 5 }, { amount: 1 }],
      },
    ],
  })
  catalogue.put(ACME, 'basic', day('2026-07-11'), day('2026-07-21'))
  use(300, day('2026-07-12'))
  use(999, day('2026-07-09'))
  use(999, day('2026-07-21'))
  assert.deepEqual(await lines(), ['basic calls 600', 'basic minimum 9400'])
})

test('a price that was applied in the middle of a period counts from the next one', async () => {
  const { catalogue, lines } = stage()
  catalogue.apply('basic', day('2026-01-01'), flat(1000))
  catalogue.apply('basic', day('2026-07-15'), flat(2000))
  catalogue.put(ACME, 'basic', day('2026-01-01'))
  assert.deepEqual(await lines(), ['basic base 1000'])
  assert.deepEqual(await lines(parsePeriod('2026-08')), ['basic base 2000'])
})

test('a price that was announced counts from its date, and not if a later generation takes it back', async () => {
  const { catalogue, lines } = stage()
  catalogue.apply('basic', day('2026-01-01'), flat(1000))
  catalogue.apply('basic', day('2026-02-01'), flat(2000, { effectiveFrom: '2026-08-01T00:00:00Z' }))
  catalogue.put(ACME, 'basic', day('2026-01-01'))
  assert.deepEqual(await lines(), ['basic base 1000'])
  assert.deepEqual(await lines(parsePeriod('2026-08')), ['basic base 2000'])
  catalogue.apply('basic', day('2026-03-01'), flat(1500))
  assert.deepEqual(await lines(parsePeriod('2026-08')), ['basic base 1500'])
})

test('a generation without a price bills nothing', async () => {
  const { catalogue, lines } = stage()
  catalogue.apply('basic', day('2026-01-01'), flat(1000))
  catalogue.apply('basic', day('2026-05-01'), undefined)
  catalogue.put(ACME, 'basic', day('2026-01-01'))
  assert.deepEqual(await lines(), [])
})

test('periods and currencies are billed apart', async () => {
  const { catalogue, draft, lines } = stage()
  catalogue.apply('basic', day('2026-01-01'), flat(1000))
  catalogue.apply('pro', day('2026-01-01'), flat(500, { currency: 'JPY' }))
  catalogue.apply('yearly', day('2026-01-01'), flat(36_500, { period: 'year' }))
  catalogue.put(ACME, 'yearly', day('2026-01-01'), day('2026-07-01'))
  catalogue.put(ACME, 'basic', day('2026-07-01'), day('2026-07-11'))
  catalogue.put(ACME, 'pro', day('2026-07-11'))
  assert.deepEqual(
    (await draft()).map(({ currency, total }) => [currency, total]),
    [
      ['EUR', 323n],
      ['JPY', 339n],
    ],
  )
  assert.deepEqual(await lines(parsePeriod('2026')), ['yearly base 18100'])
})

test('a charge can count some groups of its meter alone', async () => {
  const { catalogue, use, lines } = stage()
  const only = { name: 'reports', kind: 'unit', meter: 'requests', amount: 2 }
  const charges = [{ ...only, where: { api: 'reports' } }]
  catalogue.apply('basic', day('2026-01-01'), { currency: 'EUR', charges })
  catalogue.put(ACME, 'basic', day('2026-01-01'))
  use(5, day('2026-07-01'), { api: 'reports' })
  use(7, day('2026-07-01'), { api: 'clinic' })
  assert.deepEqual(await lines(), ['basic reports 10'])
})

test('taxes are of the country and the day, and none for who is not in the table', async () => {
  const table = taxesByCountry(
    {
      DE: [
        { name: 'VAT', rate: 1900 },
        { name: 'VAT', rate: 1600, from: day('2026-08-01') },
      ],
      FR: [{ name: 'TVA', rate: 2000 }],
    },
    { issuerCountry: 'DE', reverseCharge: true },
  )
  const taxOf = async (
    country: string | undefined,
    at: string,
    taxId?: string,
    subtotal = 1050n,
  ) => {
    const customer = {
      name: 'x',
      address: [],
      ...(country === undefined ? {} : { country }),
      ...(taxId === undefined ? {} : { taxId }),
    }
    const taxes = await table.taxesOf({ issuer: ISSUER, customer, at: day(at), subtotal })
    return taxes.map(({ name, amount }) => `${name} ${amount}`)
  }
  assert.deepEqual(await taxOf('DE', '2026-07-31'), ['VAT 200'])
  assert.deepEqual(await taxOf('DE', '2026-08-01'), ['VAT 168'])
  assert.deepEqual(await taxOf('DE', '2026-08-01', 'DE1', -1050n), ['VAT -168'])
  assert.deepEqual(await taxOf('FR', '2026-08-01'), ['TVA 210'])
  assert.deepEqual(await taxOf('FR', '2026-08-01', 'FR1'), [])
  assert.deepEqual(await taxOf('US', '2026-08-01'), [])
  assert.deepEqual(await taxOf('constructor', '2026-08-01'), [])
  assert.deepEqual(await taxOf(undefined, '2026-08-01'), [])
})

test('the same events in any order, any number of times, make the same invoice', async () => {
  const event = fc.record({
    id: fc.integer({ min: 1, max: 40 }).map(String),
    at: fc.integer({ min: 0, max: 30 * 86_400_000 }),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.array(event, { maxLength: 60 }),
      fc.infiniteStream(fc.nat()),
      async (all, order) => {
        const unique = [...new Map(all.map((one) => [one.id, one])).values()]
        const shuffled = [...unique, ...unique]
          .map((one) => ({ one, at: order.next().value }))
          .toSorted((a, b) => a.at - b.at)
          .map(({ one }) => one)
        const made = await Promise.all(
          [unique, shuffled].map(async (events) => {
            const { catalogue, usage, draft } = stage()
            catalogue.apply('basic', day('2026-01-01'), PRICE)
            catalogue.put(ACME, 'basic', day('2026-01-01'))
            for (const { id, at } of events) {
              const time = new Date(day('2026-07-01').getTime() + at)
              const units = BigInt(id) * 37n
              usage.add({ source: 's', id, tenant: ACME, meter: 'requests', time, units })
            }
            return draft()
          }),
        )
        assert.deepEqual(made[0], made[1])
      },
    ),
    { numRuns: 60 },
  )
})
