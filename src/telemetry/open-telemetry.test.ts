import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { until } from '../core/until.test-support.ts'
import { parseTenantId } from '../core/tenant.ts'
import { call } from '../http/call.ts'
import { listenWith } from '../http/listen.ts'
import { openTelemetry } from './open-telemetry.ts'
import { telemetrySchema, type TelemetrySettingsInput } from './telemetry-settings.ts'

const acme = parseTenantId('acme')
const globex = parseTenantId('globex')
const trace = (traceId = '4bf92f3577b34da6a3ce929d0e0e4736') => ({
  ...{ traceId, spanId: '00f067aa0ba902b7', flags: '01', state: undefined },
})

interface Sent {
  readonly path: string
  readonly body: string
  readonly authorization: string | undefined
}

/** Takes OTLP over HTTP in JSON, and does what it is told. */
async function collector(t: TestContext, answers: () => number | undefined = () => 200) {
  const sent: Sent[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      const { authorization } = request.headers
      sent.push({ path: request.url ?? '', body, authorization })
      const status = answers()
      if (status !== undefined) response.writeHead(status).end('{}')
    })
  })
  const listening = await listenWith(server, { host: '127.0.0.1', port: 0 })
  t.after(() => {
    server.closeAllConnections()
    return listening.close()
  })
  return { sent, url: listening.url }
}

async function opened(t: TestContext, input: TelemetrySettingsInput, closeMs = 10_000) {
  const lines: string[] = []
  const telemetry = await openTelemetry({
    ...{ plane: 'gateway', version: '0.1.0', settings: telemetrySchema.parse(input) },
    write: (line) => lines.push(line),
    closeMs,
  })
  t.after(() => telemetry.close())
  return { telemetry, lines }
}

async function secretFile(t: TestContext, text: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'rf-telemetry-'))
  t.after(() => rm(directory, { recursive: true }))
  await writeFile(join(directory, 'secret'), text, { mode: 0o600 })
  return join(directory, 'secret')
}

const listen = { host: '127.0.0.1', port: 0 }

test('spans, lines and readings reach a collector, each with its tenant', async (t) => {
  const { sent, url } = await collector(t)
  const headersFile = await secretFile(t, 'authorization: Bearer collector\n')
  const { telemetry } = await opened(t, { otlp: { url, logs: true, headersFile } })
  telemetry.server.ended({
    ...{ tenant: acme, operation: 'clinic', status: 200, milliseconds: 3, trace: trace() },
  })
  telemetry.log(`{"tenant":"globex","trace_id":"${trace().traceId}","password":"hunter22"}`)
  await telemetry.close()
  const of = (signal: string) => sent.find(({ path }) => path === `/v1/${signal}`)?.body ?? ''
  assert.match(of('traces'), /"key":"tenant\.id","value":\{"stringValue":"acme"\}/)
  assert.match(of('traces'), /"traceId":"4bf92f3577b34da6a3ce929d0e0e4736"/)
  assert.ok(!of('traces').includes('globex'))
  assert.match(of('logs'), /"key":"tenant\.id","value":\{"stringValue":"globex"\}/)
  assert.ok(!of('logs').includes('hunter22'))
  assert.match(of('metrics'), /"name":"ringfence\.gateway\.requests"/)
  assert.match(of('metrics'), /"key":"tenant\.id","value":\{"stringValue":"acme"\}/)
  assert.ok(sent.every(({ authorization }) => authorization === 'Bearer collector'))
})

for (const [what, answer] of [
  ['is away', 'refused'],
  ['hangs', undefined],
  ['refuses everything', 400],
] as const) {
  test(`a collector that ${what} blocks nobody, and what it costs is counted`, async (t) => {
    const { url } =
      answer === 'refused' ? { url: 'http://127.0.0.1:1' } : await collector(t, () => answer)
    const { telemetry } = await opened(t, { otlp: { url, logs: true, waitingMost: 16 } }, 300)
    for (let n = 0; n < 1_000; n += 1) {
      telemetry.server.ended({
        ...{ tenant: acme, operation: 'clinic', status: 200, milliseconds: 3, trace: trace() },
      })
    }
    // Half of the room is one tenant's at most: another's still finds some.
    telemetry.server.ended({
      ...{ tenant: globex, operation: 'clinic', status: 200, milliseconds: 3, trace: trace() },
    })
    const valueOf = (name: string, signal: string) => {
      const metric = telemetry.registry.read().find((one) => one.name === name)
      assert.ok(metric !== undefined && metric.kind !== 'histogram')
      return metric.points.find(({ labels }) => labels['signal'] === signal)?.value
    }
    assert.equal(valueOf('ringfence.telemetry.dropped', 'traces'), 992)
    assert.equal(valueOf('ringfence.telemetry.waiting', 'traces'), 9)
    await telemetry.close()
    assert.equal(valueOf('ringfence.telemetry.sent', 'traces'), 0)
  })
}

test('Prometheus reads what was counted, in its own form', async (t) => {
  const { telemetry } = await opened(t, { prometheus: { listen } })
  telemetry.server.ended({ tenant: acme, operation: 'clinic', status: 502, milliseconds: 20 })
  const { status, text, headers } = await call(telemetry.url ?? '', {
    ...{ method: 'GET', path: '/metrics' },
  })
  assert.equal(status, 200)
  assert.match(String(headers['content-type']), /^text\/plain; version=0\.0\.4/)
  assert.match(
    text,
    /^ringfence_gateway_requests_total\{tenant_id="acme",operation="clinic",outcome="failed"\} 1$/m,
  )
  assert.match(text, /^ringfence_gateway_request_duration_seconds_bucket\{.*le="0\.025088"\} 1$/m)
  assert.match(text, /^ringfence_info\{plane="gateway",version="0\.1\.0"\} 1$/m)
  for (const line of text.trim().split('\n')) {
    assert.match(line, /^(?:# (?:HELP|TYPE) |[a-z_]+(?:\{[^{}]*\})? [-+0-9.eInfNa]+$)/, line)
  }
})

test('what other processes add up is counted for every tenant, whether it has series or not', async (t) => {
  const { telemetry } = await opened(t, { prometheus: { listen }, tenants: { most: 0 } })
  telemetry.server.ended({ tenant: acme, operation: 'clinic', status: 502, milliseconds: 20 })
  const { text } = await call(telemetry.url ?? '', { method: 'GET', path: '/counts' })
  const [counts] = (JSON.parse(text) as { tenants: { tenant: string; failed: number }[] }).tenants
  assert.deepEqual([counts?.tenant, counts?.failed], ['acme', 1])
  const metrics = await call(telemetry.url ?? '', { method: 'GET', path: '/metrics' })
  assert.ok(!metrics.text.includes('acme'))
  assert.match(metrics.text, /tenant_id="_other"/)
})

test('whoever does not know the scraper’s word learns nothing, whatever is asked for', async (t) => {
  const tokenFile = await secretFile(t, 'scraper\n')
  const { telemetry } = await opened(t, { prometheus: { listen, tokenFile } })
  telemetry.server.ended({ tenant: acme, operation: 'clinic', status: 200, milliseconds: 1 })
  const ask = (path: string, authorization?: string) =>
    call(telemetry.url ?? '', {
      ...{ method: 'GET', path },
      headers: authorization === undefined ? {} : { authorization },
    })
  for (const path of ['/metrics', '/counts']) {
    for (const word of [undefined, 'Bearer', 'Bearer scrape', 'Bearer scraperr', 'Basic scraper']) {
      const { status, text } = await ask(path, word)
      assert.equal(status, 401)
      assert.ok(!text.includes('acme'))
    }
  }
  assert.equal((await ask('/metrics', 'Bearer scraper')).status, 200)
  assert.equal((await ask('/absent')).status, 404)
})

test('without settings for it nothing listens, nothing is sent and no exporter is loaded', async (t) => {
  const { telemetry, lines } = await opened(t, {})
  assert.deepEqual([telemetry.url, telemetry.spans], [undefined, undefined])
  assert.equal(telemetry.server.keeps(acme, trace().traceId, true), false)
  telemetry.log('sweep: internal')
  await until(() => lines.length === 1)
})
