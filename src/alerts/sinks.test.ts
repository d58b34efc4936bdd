import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, beforeEach, describe, test } from 'node:test'
import { parseTenantId } from '../core/tenant.ts'
import { type Listening, listenWith } from '../http/listen.ts'
import { parseWebhookSecret, verifySignature } from '../http/standard-webhooks.ts'
import { upstreamGuard } from '../upstreams/upstream-guard.ts'
import type { AlertSink } from './alert-sink.ts'
import { ownerOf } from './alert.ts'
import { mailSink } from './mail-sink.ts'
import { MemoryAlertStore } from './memory-alert-store.ts'
import type { Notice } from './notice.ts'
import { Alerts } from './open-alerts.ts'
import { platformOutside, tenantOutside } from './outside.ts'
import { pagerDutySink } from './pagerduty-sink.ts'
import { serviceNowSink } from './servicenow-sink.ts'
import { webhookSink } from './webhook-sink.ts'

const acme = ownerOf(parseTenantId('acme'))
const globex = ownerOf(parseTenantId('globex'))
const SECRET = parseWebhookSecret(`whsec_${Buffer.alloc(32, 1).toString('base64')}`)
const OTHER = parseWebhookSecret(`whsec_${Buffer.alloc(32, 2).toString('base64')}`)

interface Got {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** A receiver on this machine that keeps what it got and answers as it is told. */
const got: Got[] = []
let answer: (request: Got) => { status: number; body?: unknown; location?: string } = () => ({
  status: 200,
})
let listening: Listening

before(async () => {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      const one = {
        ...{ method, url, body: Buffer.concat(chunks).toString() },
        headers: headers as Record<string, string>,
      }
      got.push(one)
      const { status, body, location } = answer(one)
      response.writeHead(status, location === undefined ? {} : { location })
      response.end(body === undefined ? '' : JSON.stringify(body))
    })
  })
  listening = await listenWith(server, { host: '127.0.0.1', port: 0 })
})
after(() => listening.close())
beforeEach(() => {
  got.length = 0
  answer = () => ({ status: 200 })
})

const alert = {
  fingerprint: 'a'.repeat(32),
  severity: 'critical',
  labels: { slo: 'available' },
  summary: 'it burns',
  since: '2026-06-01T00:00:00.000Z',
} as const
const notice = (more: Partial<Notice> = {}): Notice => ({
  id: '0e1f9a52-6a53-4a77-a3a1-3f1d2c4b5a69',
  owner: 'platform',
  name: 'slo-burn',
  at: '2026-06-01T00:00:30.000Z',
  severity: 'critical',
  firing: [alert],
  resolved: [],
  more: 0,
  repeated: false,
  ...more,
})
const webhook = (owner: AlertSink['owner'], path: string, secrets = [SECRET]) =>
  webhookSink({
    ...{ owner, name: 'hook', url: `${listening.url}${path}`, secrets },
    outside: platformOutside(),
  })

describe('a webhook', () => {
  test('is signed, so that its receiver knows it, and has the notice’s id', async () => {
    await webhook('platform', '/hook?x=1', [OTHER, SECRET]).deliver(notice())
    const [one] = got
    assert.ok(one !== undefined)
    assert.equal(one.url, '/hook?x=1')
    assert.equal(verifySignature([SECRET], one.headers, one.body), notice().id)
    assert.throws(() => verifySignature([SECRET], one.headers, `${one.body} `))
    assert.deepEqual(JSON.parse(one.body), {
      type: 'alert.firing',
      timestamp: notice().at,
      data: notice(),
    })
  })

  test('is tried again for anything but a 2xx, and never again after 410', async () => {
    const codes: unknown[] = []
    for (const status of [204, 500, 429, 404, 302, 410]) {
      answer = () => ({ status, location: '/elsewhere' })
      await webhook('platform', '/hook')
        .deliver(notice())
        .then(
          () => codes.push('delivered'),
          (error: { code: string }) => codes.push(error.code),
        )
    }
    const again = 'engine_unavailable'
    assert.deepEqual(codes, ['delivered', again, again, again, again, 'conflict'])
    assert.ok(
      got.every(({ url }) => url === '/hook'),
      'a redirect is not followed',
    )
  })
})

test('PagerDuty gets an event for each alert, under the fingerprint by which it joins them', async () => {
  answer = () => ({ status: 202 })
  const routingKey = 'R'.repeat(32)
  const sink = pagerDutySink({
    ...{ owner: 'platform', name: 'pager', routingKey, url: `${listening.url}/v2/enqueue` },
    outside: platformOutside(),
  })
  const resolved = [{ ...alert, fingerprint: 'b'.repeat(32) }]
  await sink.deliver(notice({ resolved }))
  assert.deepEqual(
    got.map(({ body }) => JSON.parse(body) as object),
    [
      {
        routing_key: routingKey,
        event_action: 'trigger',
        dedup_key: 'a'.repeat(32),
        payload: {
          summary: 'it burns',
          source: 'ringfence/platform',
          severity: 'critical',
          timestamp: alert.since,
          class: 'slo-burn',
          custom_details: { slo: 'available' },
        },
      },
      { routing_key: routingKey, event_action: 'resolve', dedup_key: 'b'.repeat(32) },
    ],
  )
  answer = () => ({ status: 400 })
  await assert.rejects(sink.deliver(notice()), { code: 'conflict' })
  answer = () => ({ status: 429 })
  await assert.rejects(sink.deliver(notice()), { code: 'engine_unavailable' })
})

test('ServiceNow gets one incident for an alert, however often it is told, and it is resolved with it', async () => {
  const incidents: Record<string, string>[] = []
  answer = ({ method, url, body, headers }) => {
    assert.equal(headers['authorization'], 'Basic x')
    const fields = (body === '' ? {} : JSON.parse(body)) as Record<string, string>
    if (method === 'POST') {
      const made = { sys_id: 'c'.repeat(32), state: '1', ...fields }
      incidents.push(made)
      return { status: 201, body: { result: made } }
    }
    if (method === 'PATCH') {
      Object.assign(incidents.find(({ sys_id }) => url.endsWith(sys_id ?? '?')) ?? {}, fields)
      return { status: 200, body: { result: {} } }
    }
    return { status: 200, body: { result: incidents.slice(-1) } }
  }
  const sink = serviceNowSink({
    ...{ owner: 'platform', name: 'snow', instance: listening.url },
    authorization: () => 'Basic x',
    fields: { assignment_group: 'platform' },
    outside: platformOutside(),
  })
  await sink.deliver(notice())
  await sink.deliver(notice())
  assert.equal(incidents.length, 1)
  const [incident] = incidents
  assert.equal(incident?.['correlation_id'], 'a'.repeat(32))
  assert.equal(incident['urgency'], '1')
  assert.equal(incident['assignment_group'], 'platform')
  await sink.deliver(notice({ firing: [], resolved: [alert] }))
  assert.equal(incident['state'], '6')
  await sink.deliver(notice())
  assert.equal(incidents.length, 2, 'what fires again is another incident')
})

test('a mail is plain text to its owner’s addresses', async () => {
  const mails: { readonly to: readonly string[]; subject: string; text: string }[] = []
  const sink = mailSink({
    ...{ owner: acme, name: 'mail', to: ['ops@acme.example'] },
    mail: { send: async (mail) => void mails.push(mail) },
  })
  await sink.deliver(notice({ owner: acme, firing: [{ ...alert, detail: 'one\ntwo' }] }))
  const [mail] = mails
  assert.deepEqual(mail?.to, ['ops@acme.example'])
  assert.equal(mail.subject, '[critical] slo-burn (firing): it burns')
  assert.match(mail.text, /since 2026-06-01T00:00:00.000Z, slo=available\n {2}one\n {2}two\n/)
})

describe('a tenant’s sink', () => {
  const inside = [
    'http://hooks.example.com/x',
    'https://127.0.0.1/x',
    'https://127.1/x',
    'https://2130706433/x',
    'https://0x7f000001/x',
    'https://[::1]/x',
    'https://[::ffff:127.0.0.1]/x',
    'https://[::ffff:10.0.0.1]/x',
    'https://[64:ff9b::7f00:1]/x',
    'https://10.0.0.1/x',
    'https://169.254.169.254/latest/meta-data',
    'https://168.63.129.16/x',
    'https://100.100.100.200/x',
    'https://localhost/x',
    'https://localhost./x',
    'https://metadata.google.internal/x',
    'https://vending/x',
    'https://service.local/x',
    'https://user:password@hooks.example.com/x',
    'https://hooks.example.com:22/x',
    'https://hooks.example.com//10.0.0.1/x',
    'file:///etc/passwd',
    'unix:/run/ringfence/vending.sock',
  ]
  for (const url of inside) {
    test(`is not made for ${url}`, () => {
      const outside = tenantOutside()
      const refused = { code: 'invalid_argument' }
      const options = { owner: acme, name: 'x', outside }
      assert.throws(() => webhookSink({ ...options, url, secrets: [SECRET] }), refused)
      assert.throws(
        () => serviceNowSink({ ...options, instance: url, authorization: () => 'x' }),
        refused,
      )
      const routingKey = 'R'.repeat(32)
      assert.throws(() => pagerDutySink({ ...options, url, routingKey }), refused)
    })
  }

  test('is not connected to what its name is turned to inside, at whatever moment', async () => {
    const port = Number(new URL(listening.url).port)
    for (const addresses of [['127.0.0.1'], ['8.8.8.8', '127.0.0.1'], ['::ffff:127.0.0.1']]) {
      const outside = tenantOutside({
        guard: upstreamGuard({
          lookup: (_host, _options, callback) =>
            callback(
              null,
              addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
            ),
        }),
      })
      const url = `https://hooks.example.com:${port}/x`
      const sink = webhookSink({ owner: acme, name: 'x', url, secrets: [SECRET], outside })
      await assert.rejects(sink.deliver(notice({ owner: acme })), { code: 'engine_unavailable' })
    }
    assert.deepEqual(got, [])
  })

  test('is not one of the platform’s own places', () => {
    const outside = tenantOutside({ isOurs: (host) => host === 'api.platform.example' })
    const url = 'https://api.platform.example/x'
    assert.throws(() => webhookSink({ owner: acme, name: 'x', url, secrets: [SECRET], outside }))
  })
})

describe('a tenant’s alert', () => {
  async function opened(sinks: readonly AlertSink[]) {
    const lines: string[] = []
    let now = Date.UTC(2026, 5, 1)
    const store = new MemoryAlertStore(() => now)
    const alerts = await Alerts.open({
      store,
      sinks: () => sinks,
      now: () => now,
      log: (line) => lines.push(line),
    })
    const pass = async (milliseconds: number) => {
      now += milliseconds
      await alerts.look()
      return alerts.deliver()
    }
    const say = (tenant: string | undefined, summary: string) =>
      alerts.signal({
        ...{ name: 'slo-burn', severity: 'warning', state: 'firing', summary },
        ...{ at: new Date(now), ...(tenant === undefined ? {} : { tenant }) },
      })
    return { alerts, store, lines, pass, say }
  }

  test('reaches its own sinks and nobody else’s, whatever they are called', async () => {
    const { pass, say } = await opened([
      webhook(acme, '/acme'),
      webhook(globex, '/globex'),
      webhook('platform', '/platform'),
      webhook(ownerOf(parseTenantId('platform')), '/tenant-platform'),
    ])
    await say('acme', 'canary-of-acme')
    await say('globex', 'canary-of-globex')
    await say('platform', 'canary-of-the-tenant-platform')
    await say(undefined, 'canary-of-the-platform')
    await pass(60_000)
    const seen = got.map(({ url, body }) => [url, /canary-[\w-]+/g.exec(body)?.[0]])
    assert.deepEqual(seen.toSorted(), [
      ['/acme', 'canary-of-acme'],
      ['/globex', 'canary-of-globex'],
      ['/platform', 'canary-of-the-platform'],
      ['/tenant-platform', 'canary-of-the-tenant-platform'],
    ])
    for (const { body } of got) assert.equal(body.match(/canary-/g)?.length, 1)
  })

  test('is not given to another’s sink of the same name when its own is gone', async () => {
    const sinks = [webhook(acme, '/acme'), webhook(globex, '/globex')]
    const { alerts, pass, say } = await opened(sinks)
    await say('acme', 'canary')
    answer = () => ({ status: 500 })
    await pass(60_000)
    sinks.shift()
    answer = () => ({ status: 200 })
    await pass(60_000)
    assert.deepEqual(
      got.map(({ url }) => url),
      ['/acme'],
    )
    assert.equal(alerts.counts.givenUp, 1)
  })

  test('is tried again after a while, and its line of the log holds no address', async () => {
    const { alerts, lines, pass, say } = await opened([webhook(acme, '/secret-path')])
    await say('acme', 'canary')
    answer = () => ({ status: 503 })
    await pass(60_000)
    assert.equal(await pass(0), 0, 'not at once')
    answer = () => ({ status: 200 })
    await pass(10_000)
    assert.deepEqual([alerts.counts.delivered, alerts.counts.failed, got.length], [1, 1, 2])
    const ids = got.map(({ headers }) => headers['webhook-id'])
    assert.equal(new Set(ids).size, 1, 'as the same message')
    assert.ok(!lines.join().includes('secret-path'))
  })

  test('waits for a receiver that hangs without keeping others waiting for it to be taken', async () => {
    const hung = Promise.withResolvers<void>()
    const slow: AlertSink = { owner: acme, name: 'slow', deliver: () => hung.promise }
    const { pass, say } = await opened([slow, webhook(globex, '/globex')])
    await say('acme', 'one')
    await say('globex', 'two')
    const passing = pass(60_000)
    await say('globex', 'three')
    hung.resolve()
    await passing
    assert.deepEqual(
      got.map(({ url }) => url),
      ['/globex'],
    )
  })

  test('is silenced by its owner alone, and shown to its owner alone', async () => {
    const { alerts, pass, say } = await opened([webhook(acme, '/acme'), webhook(globex, '/globex')])
    const until = new Date(Date.UTC(2026, 5, 1, 2))
    const silence = await alerts.silence(globex, {
      ...{ name: 'slo-burn', until, by: 'u-1', reason: 'x' },
    })
    await say('acme', 'one')
    await say('globex', 'two')
    await pass(60_000)
    assert.deepEqual(
      got.map(({ url }) => url),
      ['/acme'],
    )
    assert.deepEqual(alerts.silences(acme), [])
    await alerts.endSilence(acme, silence.id)
    assert.equal(alerts.silences(globex).length, 1)
    assert.deepEqual(
      alerts.firing(globex).map(({ signal }) => signal.summary),
      ['two'],
    )
  })
})
