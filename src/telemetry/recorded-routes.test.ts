import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Hono } from 'hono'
import { recordedRoutes } from './recorded-routes.ts'
import { ServerTelemetry } from './server-telemetry.ts'
import { currentTrace } from './traces/current-trace.ts'
import { Sampler } from './traces/sampler.ts'
import type { SpanRecord } from './traces/span.ts'

test('an API’s requests are counted by the routes that it declares, and no path or stranger’s name is a label', async () => {
  const spans: SpanRecord[] = []
  const telemetry = new ServerTelemetry({
    ...{ plane: 'control', name: 'ringfence.control' },
    sampler: new Sampler(),
    spans: { add: (span) => spans.push(span) },
  })
  const app = new Hono()
  app.use(recordedRoutes(telemetry))
  let within: string | undefined
  app.get('/v1/tenants/:tenant/leases/:lease', (context) => {
    within ??= currentTrace()?.traceId
    return context.req.param('tenant') === 'acme'
      ? context.json({ lease: 1 })
      : context.json({ title: 'no' }, 404)
  })
  app.onError((_error, context) => context.json({ title: 'x' }, 500))
  app.get('/v1/fails', () => {
    throw new Error('x')
  })
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  await app.request('/v1/tenants/acme/leases/canary', { headers: { traceparent } })
  for (let n = 0; n < 50; n += 1) {
    await app.request(`/v1/tenants/canary-${n}/leases/canary-${n}`)
    await app.request(`/canary-${n}`, { method: `CANARY${n}` })
  }
  await app.request('/v1/fails')
  const labels = telemetry.metrics().flatMap(({ points }) => points.map((one) => one.labels))
  assert.ok(!JSON.stringify([labels, spans]).includes('anary'))
  assert.deepEqual(
    [...new Set(labels.map((one) => `${one['tenant.id']} ${one['operation']}`))].toSorted(),
    [
      '_none GET /v1/fails',
      '_none GET /v1/tenants/:tenant/leases/:lease',
      '_none OTHER /*',
      'acme GET /v1/tenants/:tenant/leases/:lease',
    ],
  )
  assert.equal(within, '4bf92f3577b34da6a3ce929d0e0e4736')
  assert.deepEqual(
    spans.map(({ name, failed, attributes }) => [name, failed, attributes['tenant.id']]),
    [
      ['control GET /v1/tenants/:tenant/leases/:lease', false, 'acme'],
      ['control GET /v1/fails', true, undefined],
    ],
  )
})
