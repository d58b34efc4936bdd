import assert from 'node:assert/strict'
import { test } from 'node:test'
import { costOf } from '../billing/costs/tier-advice.ts'
import { costsSchema, priceBookOf } from './costs-spec.ts'

const GIB = 1024n ** 3n
const HOUR = 3_600_000_000n

test('what a GiB for a month, an hour and a GiB sent cost is what byte-hours, microseconds and bytes cost', () => {
  const book = priceBookOf(
    costsSchema.parse({
      currency: 'EUR',
      prices: {
        storageGibMonth: 12,
        engineHour: 40,
        gatewayHour: { amount: 99, per: 1_000 },
        egressGib: { amount: 9, per: 10_000 },
      },
    }),
  )
  assert.equal(costOf(book, 'storage', GIB * 730n * 3n), 36n)
  assert.equal(costOf(book, 'query', HOUR * 2n), 80n)
  assert.equal(costOf(book, 'gateway', HOUR * 1_000n), 99n)
  assert.equal(costOf(book, 'egress', GIB * 20_000n), 18n)
  assert.deepEqual(book.tiers.silo, { monthly: 0, covers: [] })
  assert.equal(costOf(priceBookOf(costsSchema.parse({ currency: 'EUR' })), 'storage', GIB), 0n)
})

test('prices are whole minor units of a currency that there is', () => {
  for (const wrong of [
    { currency: 'EUR', prices: { engineHour: 0.5 } },
    { currency: 'EUR', prices: { engineHour: -1 } },
    { currency: 'EUR', prices: { engineHours: 1 } },
    { currency: 'XX' },
    { currency: 'EUR', readEverySeconds: 0 },
  ]) {
    assert.equal(costsSchema.safeParse(wrong).success, false, JSON.stringify(wrong))
  }
})
