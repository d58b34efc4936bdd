import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Metric } from '../telemetry/metrics/metric.ts'
import { ServerTelemetry } from '../telemetry/server-telemetry.ts'
import { Sampler } from '../telemetry/traces/sampler.ts'
import type { SpanRecord } from '../telemetry/traces/span.ts'
import { call } from '../http/call.ts'
import { openTelemetry } from '../telemetry/open-telemetry.ts'
import { telemetrySchema } from '../telemetry/telemetry-settings.ts'
import { contextKey, openDoor, tokenOf, until } from './door.test-support.ts'
import { openGateway } from './open-gateway.ts'

const LOOPBACK = { host: '127.0.0.1', port: 0 }

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'

function recorded(ratio = 0) {
  const spans: SpanRecord[] = []
  const telemetry = new ServerTelemetry({
    ...{ plane: 'gateway', name: 'ringfence.gateway', operationsMost: 8 },
    sampler: new Sampler({ ratio, parentsPerSecond: 2 }),
    spans: { add: (span) => spans.push(span) },
  })
  return { telemetry, spans }
}

const labelsOf = (metrics: readonly Metric[]) =>
  metrics.flatMap(({ points }) => points.map(({ labels }) => labels))

test('a caller’s trace goes on upstream with our span between, and both sides are in the store', async (t) => {
  const { telemetry, spans } = recorded()
  const door = await openDoor(t, { telemetry })
  const headers = ['traceparent', `00-${TRACE}-${SPAN}-01`, 'tracestate', 'a=1']
  await door.ask({ path: '/t/acme/clinic/x', token: tokenOf('acme'), headers })
  await until(() => spans.length === 1)
  const [span] = spans
  assert.deepEqual(
    [span?.traceId, span?.parentSpanId, span?.attributes['tenant.id'], span?.name],
    [TRACE, SPAN, 'acme', 'gateway clinic'],
  )
  const seen = door.upstream.seen[0]?.headers ?? {}
  assert.equal(seen['traceparent'], `00-${TRACE}-${span?.spanId}-01`)
  assert.equal(seen['tracestate'], 'a=1')
  await until(() => door.lines.length === 1)
  assert.equal((JSON.parse(door.lines[0] ?? '') as { trace_id: string }).trace_id, TRACE)
})

test('callers who set the bit do not fill the store, and what is not kept is not kept downstream', async (t) => {
  const { telemetry, spans } = recorded()
  const door = await openDoor(t, { telemetry })
  for (let n = 0; n < 30; n += 1) {
    const headers = ['traceparent', `00-${TRACE}-${SPAN}-01`]
    await door.ask({ path: '/t/acme/clinic/x', token: tokenOf('acme'), headers })
  }
  await door.ask({ path: '/t/globex/clinic/x', token: tokenOf('globex') })
  const flags = door.upstream.seen.map(({ headers }) => headers['traceparent']?.slice(-2))
  const kept = flags.filter((flag) => flag === '01').length
  assert.ok(kept >= 2 && kept < 30, String(kept))
  assert.equal(flags.at(-1), '00')
  assert.equal(spans.length, kept)
})

test('what fails is kept though nobody sampled it', async (t) => {
  const { telemetry, spans } = recorded()
  const door = await openDoor(t, { telemetry })
  const headers = ['traceparent', `00-${TRACE}-${SPAN}-00`]
  const { status } = await door.ask({ path: '/t/acme/away/x', token: tokenOf('acme'), headers })
  assert.equal(status, 502)
  await until(() => spans.length === 1)
  assert.deepEqual(
    spans.map(({ failed, traceId, parentSpanId }) => [failed, traceId, parentSpanId]),
    [[true, TRACE, SPAN]],
  )
})

test('no name, path or header of a caller becomes a label, and no id of one tenant is in another’s', async (t) => {
  const { telemetry, spans } = recorded(1)
  const door = await openDoor(t, { telemetry })
  for (let n = 0; n < 40; n += 1) {
    const headers = ['x-api', `canary-${n}`, 'tracestate', `canary-${n}=1`]
    const token = tokenOf(n % 2 === 0 ? 'acme' : 'globex')
    await door.ask({ path: `/t/canary-${n}/clinic/x`, token, headers })
    await door.ask({ path: `/t/acme/canary-${n}?canary=${n}`, token, headers })
    await door.ask({ path: `/t/acme/clinic/canary-${n}`, token, headers })
    await door.ask({ path: `/t/globex/clinic/canary-${n}`, token, headers, method: 'DELETE' })
  }
  await until(() => spans.length === 160)
  const labels = labelsOf(telemetry.metrics())
  assert.ok(!JSON.stringify([labels, spans]).includes('canary'))
  assert.deepEqual([...new Set(labels.map((one) => one['tenant.id']))].toSorted(), [
    '_none',
    'acme',
    'globex',
  ])
  assert.deepEqual([...new Set(labels.flatMap((one) => one['operation'] ?? []))].toSorted(), [
    'clinic',
    'none',
  ])
  for (const { attributes } of spans) {
    const other = attributes['tenant.id'] === 'acme' ? 'globex' : 'acme'
    assert.ok(!JSON.stringify(attributes).includes(other))
  }
})

test('figures are for scrapers: whoever asks at an address of the front door or beside it gets none', async (t) => {
  const { source, revocations } = await openDoor(t)
  const telemetry = await openTelemetry({
    ...{ plane: 'gateway', version: '0.1.0', write: () => undefined },
    settings: telemetrySchema.parse({ prometheus: { listen: LOOPBACK } }),
  })
  t.after(() => telemetry.close())
  const open = await openGateway({
    ...{ source, revocations, contextKey, log: telemetry.log, telemetry: telemetry.server },
    ...{ listen: LOOPBACK, admin: LOOPBACK },
  })
  t.after(() => open.close())
  const ask = (url: string, path: string, host: string) => {
    const headers = { authorization: `Bearer ${tokenOf('acme')}`, host }
    return call(url, { method: 'GET', path, headers })
  }
  await ask(open.url, '/t/globex/clinic/x', 'api.example')
  for (const host of ['api.example', 'acme.example', new URL(open.adminUrl).host]) {
    for (const path of ['/metrics', '/counts', '/t/acme/metrics', '/t/acme/../metrics']) {
      const { status, text } = await ask(open.url, path, host)
      assert.ok(status >= 400 && !text.includes('globex'), `${host}${path}: ${status}`)
    }
  }
  for (const path of ['/metrics', '/counts']) {
    assert.equal((await ask(open.adminUrl, path, 'x')).status, 404)
    const { status, text } = await ask(telemetry.url ?? '', path, 'x')
    assert.equal(status, 200)
    assert.match(text, /globex/)
  }
})
