import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { boundAtLeast, Histogram, RELATIVE_ERROR } from './histogram.ts'

const values = fc.array(
  fc.oneof(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 2 ** 27 - 1 })),
  { minLength: 1, maxLength: 200 },
)

function recorded(list: readonly number[]): Histogram {
  const histogram = new Histogram()
  for (const value of list) histogram.record(value)
  return histogram
}

describe('a histogram', () => {
  test('is never further off than it says, at any percentile', () => {
    fc.assert(
      fc.property(values, fc.double({ min: 0.001, max: 1, noNaN: true }), (list, part) => {
        const sorted = list.toSorted((a, b) => a - b)
        const exact = sorted[Math.max(1, Math.ceil(part * list.length)) - 1] ?? 0
        const said = recorded(list).percentile(part)
        assert.ok(Math.abs(said - exact) <= exact * RELATIVE_ERROR, `${said} for ${exact}`)
      }),
    )
  })

  test('of two processes is the sum of both, also after a journey as JSON', () => {
    fc.assert(
      fc.property(values, values, (ours, theirs) => {
        const sum = recorded(ours)
        const sent = JSON.stringify(recorded(theirs).sparse())
        sum.add(Histogram.of(JSON.parse(sent) as ReturnType<Histogram['sparse']>))
        assert.deepEqual(sum.sparse(), recorded([...ours, ...theirs]).sparse())
        assert.equal(sum.count, ours.length + theirs.length)
        assert.deepEqual(sum.since(recorded(ours)).sparse(), recorded(theirs).sparse())
      }),
    )
  })

  test('counts below a bound exactly, and its bounds are close to what was asked for', () => {
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 2 ** 26 }), (list, asked) => {
        const bound = boundAtLeast(asked)
        assert.ok(bound >= asked && bound <= asked * (1 + 1 / 32) + 1)
        const exact = list.filter((value) => value < bound).length
        const histogram = recorded(list)
        assert.equal(histogram.countBelow(bound), exact)
        assert.deepEqual(histogram.countsBelow([bound, bound * 2]), [
          exact,
          histogram.countBelow(boundAtLeast(bound * 2)),
        ])
      }),
    )
  })

  test('takes whatever a clock says', () => {
    const histogram = recorded([-5, Number.NaN, 0.4, 2 ** 40, Number.POSITIVE_INFINITY])
    assert.equal(histogram.count, 5)
    assert.equal(histogram.percentile(0.5), 0)
    assert.ok(histogram.percentile(1) < 2 ** 27)
  })

  test('is refused when it is none', () => {
    for (const buckets of [[-1, 1], [99_999, 1], [0, -1], [0.5, 1], [3], [0, Number.NaN]]) {
      assert.throws(() => Histogram.of({ sum: 0, buckets }), /not a histogram/)
    }
  })
})
