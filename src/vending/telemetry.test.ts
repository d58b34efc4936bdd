import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ServerTelemetry } from '../telemetry/server-telemetry.ts'
import { Sampler } from '../telemetry/traces/sampler.ts'
import type { SpanRecord } from '../telemetry/traces/span.ts'
import { ask, assertionOf, contextOf, KEYS, openWorld } from './world.test-support.ts'

test('leases are counted for tenants whose contexts are facts, and nobody gets onto another’s count by a claim', async () => {
  const spans: SpanRecord[] = []
  const telemetry = new ServerTelemetry({
    ...{ plane: 'vending', name: 'ringfence.vending' },
    sampler: new Sampler({ ratio: 0 }),
    spans: { add: (span) => spans.push(span) },
  })
  const world = await openWorld({ telemetry })
  try {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
    assert.equal((await ask(world, { headers: { traceparent } })).status, 200)
    // A context that a stranger signed, and a workload that is a stranger's.
    const forged = await contextOf('globex', { key: KEYS.stranger })
    await ask(world, { fields: { subject_token: forged } })
    const stranger = await assertionOf('clinic-web', KEYS.stranger)
    const subject_token = await contextOf('globex')
    await ask(world, { fields: { subject_token, client_assertion: stranger } })
    const [requests] = telemetry.metrics()
    assert.deepEqual(
      requests?.points.map(({ labels }) => Object.values(labels).join(' ')),
      ['acme exchange ok', '_none exchange refused'],
    )
    assert.deepEqual(
      spans.map(({ parentSpanId, attributes }) => [parentSpanId, attributes['tenant.id']]),
      [['00f067aa0ba902b7', 'acme']],
    )
    assert.equal(world.vending.pools.engines().limit, 32)
    assert.ok(world.vending.pools.journal().used > 0)
  } finally {
    await world.close()
  }
})
