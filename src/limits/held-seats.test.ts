import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseTenantId } from '../core/tenant.ts'
import { HeldSeats } from './held-seats.ts'
import { limitId, limitKey } from './limit-key.ts'

const ID = limitId({ from: 'process' }, 'concurrency', 'tenant')
function keyOf(name: string) {
  const tenant = parseTenantId(name)
  const rest = { api: '/', home: tenant, user: 'ann', client: 'web', address: '' }
  return limitKey(ID, 'tenant', { tenant, ...rest })
}

test('there are so many seats for each key, and what is given back can be taken again', () => {
  const held = new HeldSeats()
  const first = held.take(keyOf('acme'), 2)
  assert.ok(first)
  assert.ok(held.take(keyOf('acme'), 2))
  assert.equal(held.take(keyOf('acme'), 2), undefined)
  assert.ok(held.take(keyOf('globex'), 2))
  assert.equal(held.size, 2)
  first()
  // Once.
  first()
  assert.ok(held.take(keyOf('acme'), 2))
  assert.equal(held.take(keyOf('acme'), 2), undefined)
})

test('keys of nobody are forgotten, those that are held are not', () => {
  const held = new HeldSeats()
  assert.ok(held.take(keyOf('acme'), 1))
  for (let n = 0; n < 25_000; n += 1) held.take(keyOf(`t${n}`), 1)?.()
  assert.equal(held.size, 1)
  assert.equal(held.take(keyOf('acme'), 1), undefined)
})
