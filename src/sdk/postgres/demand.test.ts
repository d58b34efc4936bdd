import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Demand } from './demand.ts'

test('demand counts what was asked for', () => {
  const demand = new Demand(100)
  for (let count = 0; count < 3; count += 1) demand.note('a')
  assert.deepEqual([demand.of('a'), demand.of('b')], [3, 0])
})

test('demand of long ago is overtaken by demand of today', () => {
  const demand = new Demand(100)
  for (let count = 0; count < 90; count += 1) demand.note('yesterday')
  for (let count = 0; count < 400; count += 1) demand.note('today')
  assert.ok(demand.of('today') > 10 * demand.of('yesterday'))
})

test('demand forgets keys that are not asked for again, so that it stays small', () => {
  const demand = new Demand(100)
  demand.note('once')
  for (let count = 0; count < 1_000; count += 1) demand.note('often')
  assert.equal(demand.of('once'), 0)
})
