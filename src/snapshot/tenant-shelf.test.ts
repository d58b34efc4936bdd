import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { sampleTenant, tenantId } from './sample.test-support.ts'
import { TenantShelf } from './tenant-shelf.ts'

test('what was put in comes out, and is the same object while it is asked for', () => {
  const shelf = new TenantShelf(8)
  shelf.set(sampleTenant('acme'))
  const acme = shelf.get(tenantId('acme'))
  assert.deepEqual(acme, sampleTenant('acme'))
  for (let n = 0; n < 100; n += 1) {
    shelf.set(sampleTenant(`t${n}`))
    shelf.get(tenantId(`t${n}`))
    assert.equal(shelf.get(tenantId('acme')), acme)
  }
})

test('what is not asked for any more is let go of, and comes back as it was', async () => {
  const shelf = new TenantShelf(8)
  shelf.set(sampleTenant('acme'))
  const before = new WeakRef(shelf.get(tenantId('acme')) ?? {})
  // Whoever is in the turn still has what was asked for in it.
  await new Promise((resolve) => setImmediate(resolve))
  for (let n = 0; n < 16; n += 1) {
    shelf.set(sampleTenant(`t${n}`))
    shelf.get(tenantId(`t${n}`))
  }
  assert.notEqual(shelf.get(tenantId('acme')), before.deref())
  assert.deepEqual(shelf.get(tenantId('acme')), sampleTenant('acme'))
})

test('a changed tenant is nowhere as it was, and a removed one is nowhere', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          act: fc.constantFrom('set', 'delete', 'get'),
          name: fc.constantFrom('a1', 'b2', 'c3', 'd4', 'e5', 'f6'),
          host: fc.integer({ min: 0, max: 3 }).map((n) => `h${n}.example`),
        }),
        { maxLength: 60 },
      ),
      (acts) => {
        const shelf = new TenantShelf(4)
        const model = new Map<string, string>()
        for (const { act, name, host } of acts) {
          if (act === 'set') {
            shelf.set(sampleTenant(name, { hosts: [host] }))
            model.set(name, host)
          } else if (act === 'delete') {
            shelf.delete(tenantId(name))
            model.delete(name)
          }
          assert.equal(shelf.get(tenantId(name))?.hosts[0], model.get(name))
          assert.equal(shelf.get(tenantId(name))?.id, model.has(name) ? name : undefined)
        }
        assert.equal(shelf.size, model.size)
        assert.deepEqual(
          [...shelf.values()].map(({ id }) => String(id)).toSorted(),
          [...model.keys()].toSorted(),
        )
      },
    ),
    { numRuns: 300 },
  )
})
