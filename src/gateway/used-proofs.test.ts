import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseTenantId } from '../core/tenant.ts'
import { UsedProofs } from './used-proofs.ts'

const [acme, globex] = [parseTenantId('acme'), parseTenantId('globex')]

test('a proof is used once, by each key for itself', () => {
  const used = new UsedProofs(1000, 100, 100)
  assert.deepEqual(
    [used.take(acme, 'a', '1'), used.take(acme, 'a', '1'), used.take(acme, 'b', '1')],
    ['first', 'again', 'first'],
  )
})

test('one tenant does not take the room of another', () => {
  const used = new UsedProofs(1000, 100, 3)
  const uses = Array.from({ length: 5 }, (_, n) => used.take(acme, 'a', String(n)))
  assert.deepEqual(uses, ['first', 'first', 'first', 'too-many', 'too-many'])
  assert.equal(used.take(globex, 'a', '0'), 'first')
  assert.equal(used.take(acme, 'a', '0'), 'again')
})

test('where there is no room nothing is accepted, until something has ended', () => {
  let now = 0
  const used = new UsedProofs(1000, 2, 2, () => now)
  used.take(acme, 'a', '1')
  used.take(acme, 'a', '2')
  assert.equal(used.take(globex, 'a', '1'), 'too-many')
  now = 1001
  assert.equal(used.take(globex, 'a', '1'), 'first')
})

test('whatever comes when, nothing is accepted twice within its life', () => {
  const step = fc.record({
    tenant: fc.constantFrom(acme, globex),
    id: fc.constantFrom('1', '2', '3', '4'),
    pause: fc.integer({ min: 0, max: 400 }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      let now = 0
      const used = new UsedProofs(1000, 5, 3, () => now)
      const first = new Map<string, number>()
      for (const { tenant, id, pause } of steps) {
        now += pause
        if (used.take(tenant, 'key', id) !== 'first') continue
        const before = first.get(`${tenant} ${id}`)
        assert.ok(before === undefined || now - before >= 1000)
        first.set(`${tenant} ${id}`, now)
      }
    }),
  )
})
