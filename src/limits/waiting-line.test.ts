import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseTenantId } from '../core/tenant.ts'
import { Flow, Place } from './place.ts'
import { WaitingLine } from './waiting-line.ts'

test('who leaves a line leaves the others in their order, whoever it is', () => {
  const flow = new Flow(parseTenantId('acme'), 1)
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat(200), { freq: 2 }), { maxLength: 400 }), (acts) => {
      const line = new WaitingLine()
      const model: Place[] = []
      for (const act of acts) {
        if (act === null) {
          const place = new Place(flow, () => undefined)
          line.add(place)
          model.push(place)
        } else if (model.length > 0) {
          // Twice: the second changes nothing.
          const [gone] = model.splice(act % model.length, 1)
          assert.ok(gone)
          line.delete(gone)
          line.delete(gone)
        }
        assert.equal(line.first, model[0])
        assert.equal(line.size, model.length)
      }
      assert.deepEqual(line.all(), model)
    }),
    { numRuns: 200 },
  )
})
