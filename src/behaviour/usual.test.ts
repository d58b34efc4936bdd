import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Series } from './series.ts'
import { median, usualIn } from './usual.ts'
import { usualUnderGrant } from './usual-under-grant.ts'

const HOUR = 3_600_000
const day = (busy: number, quiet = 0) =>
  Array.from({ length: 24 }, (_, hour) => (hour >= 8 && hour < 18 ? busy : quiet))
/** Of a week, up to an hour of the day. */
const weekBefore = (hour: number) => [...days(7, 100), ...day(100).slice(0, hour)].slice(-168)
const days = (count: number, busy: number) => Array.from({ length: count }, () => day(busy)).flat()

test('a median is the middle one, whatever the outermost are', () => {
  assert.equal(median([]), 0)
  assert.equal(median([3, 1, 1_000_000]), 3)
  assert.equal(median([4, 1, 2, 1_000_000]), 3)
})

test('days have a shape: what is usual at noon is not at night', () => {
  const noon = usualIn(weekBefore(12), 168 + 12, 3)
  const night = usualIn(weekBefore(2), 168 + 2, 3)
  assert.equal(noon.centre, 100)
  assert.ok(noon.limit > 100 && noon.limit < 150, String(noon.limit))
  assert.ok(night.limit < 30, String(night.limit))
})

test('floods in less than half of the days do not move what is usual', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { maxLength: 3 }),
      fc.integer({ min: 100, max: 1_000_000 }),
      (flooded, flood) => {
        const values = weekBefore(12)
        for (const one of flooded) values[one * 24] = flood
        assert.equal(usualIn(values, 168 + 12, 3).centre, 100)
      },
    ),
    { numRuns: 200 },
  )
})

test('whoever goes as far as is not told every hour makes no more than 2.5 times of it in a week', () => {
  const form = { slotMs: HOUR, slots: 168 }
  const series = new Series(form, { slot: 168, count: 0, values: days(7, 100) })
  const limits: number[] = []
  for (let hour = 168; hour < 168 * 2; hour += 1) {
    const { limit } = usualIn(series.values, hour, 3)
    limits.push(limit)
    for (let call = 0; call < 100_000; call += 5_000) series.add(hour * HOUR)
    series.turn((hour + 1) * HOUR, () => limit)
  }
  const before = usualIn(weekBefore(12), 168 + 12, 3).limit
  assert.ok((limits.at(-12) ?? 0) <= before * 2.5, `${before} ${limits.at(-12)}`)
})

test('a slot that is over stays as it is: what comes late is not counted in another', () => {
  const series = Series.begun({ slotMs: HOUR, slots: 3 }, 10 * HOUR)
  assert.equal(series.add(10 * HOUR), true)
  series.turn(14 * HOUR, () => Number.POSITIVE_INFINITY)
  assert.deepEqual(series.values, [0, 0, 0])
  assert.equal(series.add(13 * HOUR), false)
  assert.equal(series.count, 0)
})

test('a program that calls at night is usual the second night', () => {
  const nightly = Array.from({ length: 288 }, (_, slot) => (slot >= 24 && slot < 27 ? 300 : 5))
  assert.equal(usualUnderGrant(nightly), 5)
  const next = [...nightly, ...nightly.slice(0, 25)]
  assert.equal(usualUnderGrant(next.slice(-290)), 300)
  assert.equal(usualUnderGrant([5, 5, 5]), undefined)
})
