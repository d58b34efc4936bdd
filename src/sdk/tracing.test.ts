import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import * as api from '@opentelemetry/api'
import {
  BatchSpanProcessor,
  InMemorySpanExporter,
  type ReadableSpan,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import {
  leaseAnswer,
  startTestPlatform,
  tenantNamed,
  type TestPlatform,
} from './platform.test-support.ts'
import { Ringfence } from './ringfence.ts'
import { openTelemetryTracer } from './tracing.ts'

const HARBOR = tenantNamed('harbor')
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'
const exporter = new InMemorySpanExporter()
const processor = new BatchSpanProcessor({ exporter })
const provider = new TracerProvider({ spanProcessors: [processor] })

let platform: TestPlatform
let ringfence: Ringfence

beforeEach(async () => {
  exporter.reset()
  platform = await startTestPlatform({
    lease: () =>
      leaseAnswer('lease-1', 900, {
        ...{ host: '/nowhere', port: 5432, database: 'd', user: 'u', password: 'p4ssw0rd' },
      }),
    tenants: () => [HARBOR],
  })
  ringfence = new Ringfence({
    ...platform.options,
    tracer: openTelemetryTracer(api, provider.getTracer('ringfence')),
  })
})
afterEach(async () => {
  await ringfence.close()
  await platform.close()
})

async function spans(): Promise<readonly ReadableSpan[]> {
  await processor.forceFlush()
  return exporter.getFinishedSpans()
}

test('work on a tenant’s data is a span of the request’s trace, and vending is called from it', async () => {
  const traceparent = `00-${TRACE}-${SPAN}-01`
  const context = await ringfence.verify(await platform.context(HARBOR), { traceparent })
  await assert.rejects(
    ringfence.withTenant(context, async () => 'reached'),
    { code: 'engine_unavailable' },
  )
  const [span] = await spans()
  assert.ok(span !== undefined)
  assert.equal(span.spanContext().traceId, TRACE)
  assert.equal(span.parentSpanContext?.spanId, SPAN)
  assert.equal(span.attributes['tenant.id'], 'harbor')
  // A code: a server's message may hold data.
  assert.deepEqual(span.status, { code: api.SpanStatusCode.ERROR, message: 'engine_unavailable' })
  const called = platform.calls.find(({ path }) => path === '/v1/token')?.headers['traceparent']
  assert.match(String(called), new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`))
})

test('a trace that is not kept has no span', async () => {
  const traceparent = `00-${TRACE}-${SPAN}-00`
  const context = await ringfence.verify(await platform.context(HARBOR), { traceparent })
  await assert.rejects(ringfence.withTenant(context, async () => 'reached'))
  assert.deepEqual(await spans(), [])
})
