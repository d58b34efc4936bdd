import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { after, before, beforeEach, describe, test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { AwsV4Signer } from 'aws4fetch'
import { platformOutside, tenantOutside } from '../../alerts/outside.ts'
import { resolvedOutside } from '../../alerts/resolved-outside.test-support.ts'
import { type AuditEntry, logOf } from '../../audit/entry.ts'
import { RingfenceError } from '../../core/errors.ts'
import { parseSubject } from '../../core/names.ts'
import { parseTenantId, type TenantId } from '../../core/tenant.ts'
import { held } from '../../http/described-routes.test-support.ts'
import { verifySignature } from '../../http/standard-webhooks.ts'
import { MemoryLogStore } from '../api/memory-store.test-support.ts'
import { type IntakeSite, startIntakeSite } from '../intake/intake-site.test-support.ts'
import { KeyEncryptionKeys } from '../log/key-encryption.ts'
import { openStreams, type StreamsOptions } from './open-streams.ts'
import { syslogReceiver, webReceiver } from './receivers.test-support.ts'

const [ACME, GLOBEX] = [parseTenantId('acme'), parseTenantId('globex')]
const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const SECRET_KEY = 'the-secret-key-of-a-bucket'

let site: IntakeSite
let web: Awaited<ReturnType<typeof webReceiver>>
let store: MemoryLogStore
let suspended: Set<TenantId>
before(async () => {
  site = await startIntakeSite()
  web = await webReceiver()
})
after(async () => {
  await web.close()
  await site.stop()
})
beforeEach(async () => {
  await site.ask('drop table if exists records.stream_sink, records.stream_migration')
  store = new MemoryLogStore()
  suspended = new Set()
  web.got.length = 0
  web.answer = () => ({ status: 200 })
})

function entry(n: number, tenant: string | undefined): AuditEntry {
  return {
    id: randomUUID(),
    time: new Date(Date.UTC(2026, 0, 1, 0, 0, n)).toISOString(),
    ...(tenant === undefined ? {} : { tenant: parseTenantId(tenant) }),
    category: 'lease',
    action: 'lease.granted',
    actor: { kind: 'user', id: `${tenant}-zoë` },
    decision: n % 2 === 0 ? 'allowed' : 'denied',
    layer: 'budget',
    request_id: `${tenant}-${n}`,
  }
}

async function grow(tenant: string | undefined, count: number): Promise<void> {
  const from = store.logs.get(logOf(tenant === undefined ? undefined : parseTenantId(tenant)))
  const start = from?.length ?? 0
  for (let n = 0; n < count; n += 1) await store.append([entry(start + n, tenant)])
}

async function opened(t: TestContext, more: Partial<StreamsOptions> = {}) {
  const streams = await openStreams({
    database: site.records,
    store,
    keys: new KeyEncryptionKeys([Buffer.alloc(32, 3)]),
    hostname: 'audit.example',
    platform: [],
    // In the place of the gateway's signed word: `acme tenant-admin`.
    callerOf: async (headers) => {
      const [tenant = '', ...roles] = (headers.get('caller') ?? '').split(' ')
      if (tenant === '') throw new RingfenceError('not_authenticated', 'who are you')
      return {
        ...{ tenant: parseTenantId(tenant), subject: parseSubject('ann'), roles },
        ...{ requestId: 'r-1', expiresAt: new Date(), stillMay: () => {} },
      }
    },
    isActive: (tenant) => !suspended.has(tenant),
    outside: platformOutside(),
    log: () => {},
    ...{ lookMs: 10, idleMs: 20, pauseMs: 20 },
    ...more,
  })
  let isClosed = false
  const close = async () => {
    if (isClosed) return
    isClosed = true
    await streams.close()
  }
  t.after(close)
  const app = held(streams.app)
  const ask = (method: string, path: string, body?: unknown, caller = 'acme tenant-admin') =>
    app.request(path, {
      ...{ method, headers: { caller } },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  return { ...streams, close, ask }
}

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 1_500; tries += 1) {
    if (await condition()) return
    await sleep(10)
  }
  assert.fail(`it did not come to pass that ${what}`)
}

const webhook = (more: object = {}) => ({
  sink: { kind: 'webhook', url: `${web.url}/hook`, secret: SECRET },
  from: 'start',
  ...more,
})
const bucket = () => ({
  sink: {
    ...{ kind: 's3', endpoint: web.url, region: 'eu-west-1', bucket: 'their-logs' },
    ...{ prefix: 'audit/', accessKeyId: 'AKIAEXAMPLE', secretAccessKey: SECRET_KEY },
  },
  from: 'start',
})
interface Hook {
  readonly type: string
  readonly data: {
    readonly log: string
    readonly from: number
    readonly to: number
    readonly items: readonly { readonly index: number; readonly entry: AuditEntry }[]
  }
}
const hooks = () => web.got.map(({ body }) => JSON.parse(body) as Hook)
const indices = (all: readonly Hook[]) =>
  all.flatMap(({ data }) => data.items.map(({ index }) => index))
const counted = (length: number) => Array.from({ length }, (_, index) => index)

describe('a log is streamed', () => {
  test('by signed webhooks: all of it, in order, and what comes later too', async (t) => {
    const { ask } = await opened(t)
    await grow('acme', 450)
    await grow('globex', 10)
    assert.equal((await ask('PUT', '/siem', webhook())).status, 200)
    await until('all is there', () => indices(hooks()).length === 450)
    await grow('acme', 5)
    await until('the rest is there', () => indices(hooks()).length === 455)
    assert.deepEqual(indices(hooks()), counted(455))
    for (const { headers, body } of web.got) verifySignature([SECRET], headers, body)
    assert.ok(!JSON.stringify(hooks()).includes('globex'))
    const shown = (await (await ask('GET', '/siem')).json()) as Record<string, unknown>
    await until('its position is kept', async () => {
      const now = (await (await ask('GET', '/siem')).json()) as Record<string, unknown>
      return now['waiting'] === 0 && now['position'] === 455 && now['state'] === 'streaming'
    })
    assert.equal(shown['kind'], 'webhook')
  })

  test('again when it was refused: the same batch under the same id, and nothing behind it before', async (t) => {
    const { ask } = await opened(t)
    await grow('acme', 3)
    let refusals = 3
    web.answer = () => ({ status: refusals-- > 0 ? 503 : 200 })
    await ask('PUT', '/siem', webhook())
    await until('it was tried', () => web.got.length >= 1)
    await grow('acme', 4)
    await until('all is there', () => indices(hooks().slice(3)).length === 7)
    const ids = web.got.map(({ headers }) => headers['webhook-id'])
    assert.equal(new Set(ids.slice(0, 4)).size, 1)
    assert.deepEqual(hooks()[3]?.data.to, hooks()[0]?.data.to)
    assert.deepEqual(indices(hooks().slice(3)), counted(7))
  })

  test('on from where it was when the process ended, also in the middle of a batch', async (t) => {
    const first = await opened(t)
    await grow('acme', 5)
    web.answer = () => ({ status: 500 })
    await first.ask('PUT', '/siem', webhook())
    await until('it was tried', () => web.got.length >= 1)
    await first.close()
    const tried = web.got.length
    web.answer = () => ({ status: 200 })
    await grow('acme', 5)
    await opened(t)
    await until('all is there', () => indices(hooks().slice(tried)).length >= 10)
    assert.deepEqual(indices(hooks().slice(tried)), counted(10))
    assert.equal(web.got[tried]?.headers['webhook-id'], web.got[0]?.headers['webhook-id'])
  })

  test('into a bucket, as signed objects named by log and range', async (t) => {
    const { ask } = await opened(t)
    await grow('acme', 1_001)
    assert.equal((await ask('PUT', '/archive', bucket())).status, 200)
    await until('both objects are there', () => web.got.length === 2)
    assert.deepEqual(
      web.got.map(({ method, url }) => `${method} ${url}`),
      [
        'PUT /their-logs/audit/tenant/acme/000000000000000-000000000000999.ndjson',
        'PUT /their-logs/audit/tenant/acme/000000000001000-000000000001000.ndjson',
      ],
    )
    for (const { url, headers, body } of web.got) {
      const datetime = headers['x-amz-date']
      assert.ok(datetime)
      const again = new AwsV4Signer({
        ...{ method: 'PUT', url: `${web.url}${url}`, body, datetime },
        ...{ accessKeyId: 'AKIAEXAMPLE', secretAccessKey: SECRET_KEY },
        ...{ region: 'eu-west-1', service: 's3' },
        headers: {
          'content-type': 'application/x-ndjson',
          'x-amz-content-sha256': headers['x-amz-content-sha256'] ?? '',
        },
      })
      assert.equal(headers['authorization'], await again.authHeader())
      assert.ok(
        body
          .split('\n')
          .slice(0, -1)
          .every((line) => JSON.parse(line) !== null),
      )
    }
  })

  test('by syslog, each entry behind its length, and in OCSF where that is asked for', async (t) => {
    const syslog = await syslogReceiver()
    t.after(syslog.close)
    const { ask } = await opened(t)
    await grow('acme', 600)
    const sink = { kind: 'syslog', host: '127.0.0.1', port: syslog.port, tls: false }
    await ask('PUT', '/siem', { sink, from: 'start' })
    await until('all is there', () => syslog.messages.length === 600)
    for (const [n, message] of syslog.messages.entries()) {
      const [, priority, rest] =
        /^<(\d+)>1 \S+ audit\.example ringfence - lease\.granted - (.*)$/.exec(message) ?? []
      assert.equal(priority, n % 2 === 0 ? '110' : '108')
      const line = JSON.parse(rest ?? '') as { index: number; entry: AuditEntry }
      assert.equal(line.index, n)
      assert.equal(line.entry.actor.id, 'acme-zoë')
    }
    await ask('PUT', '/ocsf', { sink: { ...sink, format: 'ocsf' }, from: 'start' })
    await until('it is there in OCSF', () => syslog.messages.length === 1_200)
    assert.match(syslog.messages.at(-1) ?? '', /"class_uid":\d+/)
  })

  test('of the platform to the sinks of its configuration alone', async (t) => {
    await grow(undefined, 3)
    await grow('acme', 3)
    const sink = {
      kind: 'webhook',
      url: `${web.url}/ours`,
      secret: SECRET,
      format: 'entries',
    } as const
    const platform = [{ name: 'ours', sink }] as unknown as StreamsOptions['platform']
    const first = await opened(t, { platform })
    await until('all is there', () => indices(hooks()).length === 3)
    assert.ok(hooks().every(({ data }) => data.log === 'platform'))
    await first.close()
    const second = await opened(t)
    assert.deepEqual(await second.sinks.list(logOf(undefined)), [])
  })
})

describe('a sink', () => {
  test('that is slow or away keeps no other waiting', async (t) => {
    const { ask } = await opened(t)
    await grow('acme', 4)
    await grow('globex', 4)
    web.answer = ({ url }) => ({ status: url === '/away' ? 502 : 200 })
    const away = { ...webhook(), sink: { ...webhook().sink, url: `${web.url}/away` } }
    await ask('PUT', '/siem', away)
    await ask('PUT', '/siem', webhook(), 'globex tenant-admin')
    await until('the other has all', () => {
      const done = web.got.filter(({ url }) => url === '/hook')
      return done.length > 0
    })
    await until('the lag is to be seen', async () => {
      const shown = (await (await ask('GET', '/siem')).json()) as Record<string, unknown>
      return shown['waiting'] === 4 && shown['last_error'] === 'the receiver answered 502'
    })
  })

  test('is sent nowhere else when its receiver says so', async (t) => {
    const { ask } = await opened(t)
    await grow('acme', 1)
    web.answer = ({ url }) =>
      url === '/hook' ? { status: 307, location: `${web.url}/inside` } : { status: 200 }
    await ask('PUT', '/siem', webhook())
    await until('it was tried again', () => web.got.length >= 3)
    assert.ok(web.got.every(({ url }) => url === '/hook'))
  })

  test('gets nothing after 410 until it is set again', async (t) => {
    const { ask } = await opened(t)
    await grow('acme', 1)
    web.answer = () => ({ status: 410 })
    await ask('PUT', '/siem', webhook())
    await until('it has stopped', async () => {
      const shown = (await (await ask('GET', '/siem')).json()) as Record<string, unknown>
      return shown['state'] === 'stopped'
    })
    assert.equal(web.got.length, 1)
    web.answer = () => ({ status: 200 })
    await ask('PUT', '/siem', webhook())
    await until('it goes on', () => web.got.length === 2)
  })

  test('gets nothing while its tenant is suspended', async (t) => {
    suspended.add(ACME)
    const { ask, sinks } = await opened(t)
    await grow('acme', 1)
    await grow('globex', 1)
    await ask('PUT', '/siem', webhook())
    await ask('PUT', '/siem', webhook(), 'globex tenant-admin')
    await until('the other has all', () => web.got.length === 1)
    assert.equal(hooks()[0]?.data.log, `tenant/${GLOBEX}`)
    assert.equal((await sinks.get(logOf(ACME), 'siem')).position, 0)
  })
})

describe('nobody', () => {
  test('reads a secret back, from the API or from the database', async (t) => {
    const { ask } = await opened(t)
    let told = ''
    for (const [name, body] of Object.entries({ siem: webhook(), archive: bucket() })) {
      told += await (await ask('PUT', `/${name}`, body)).text()
      told += await (await ask('GET', `/${name}`)).text()
    }
    told += await (await ask('GET', '/')).text()
    told += JSON.stringify(
      await site.ask(`select s::text, encode(secrets, 'escape') from records.stream_sink s`),
    )
    told += JSON.stringify(await site.ask('select * from audit.inbox'))
    assert.ok(told.includes('their-logs'))
    for (const secret of [SECRET, SECRET_KEY, 'AKIAEXAMPLE']) assert.ok(!told.includes(secret))
    const bad = { ...bucket(), sink: { ...bucket().sink, bucket: 'X' } }
    const refusal = await ask('PUT', '/archive', bad)
    assert.equal(refusal.status, 400)
    assert.ok(!(await refusal.text()).includes(SECRET_KEY))
  })

  test('reaches another tenant’s sinks, or sets any without being its administrator', async (t) => {
    const { ask, sinks } = await opened(t)
    await ask('PUT', '/siem', webhook())
    const eve = 'globex tenant-admin'
    assert.deepEqual(await (await ask('GET', '/', undefined, eve)).json(), { items: [] })
    assert.equal((await ask('GET', '/siem', undefined, eve)).status, 404)
    assert.equal((await ask('DELETE', '/siem', undefined, eve)).status, 404)
    assert.equal((await ask('GET', '/?tenant=acme', undefined, eve)).status, 400)
    assert.equal((await ask('PUT', '/siem', { ...webhook(), log: 'tenant/acme' }, eve)).status, 400)
    for (const caller of ['acme', 'acme auditor', 'acme tenant-admins']) {
      assert.equal((await ask('GET', '/', undefined, caller)).status, 403)
      assert.equal((await ask('PUT', '/siem', webhook(), caller)).status, 403)
      assert.equal((await ask('DELETE', '/siem', undefined, caller)).status, 403)
    }
    assert.equal((await ask('GET', '/', undefined, '')).status, 401)
    assert.equal((await sinks.list(logOf(ACME))).length, 1)
    assert.equal((await ask('DELETE', '/siem')).status, 204)
    const rows = await site.ask<{ entry: AuditEntry }>(
      `select entry from audit.inbox where entry ->> 'action' like 'sink.%' order by seq desc limit 2`,
    )
    assert.deepEqual(
      rows.map((row) => [row.entry.action, row.entry.tenant, row.entry.actor.id]),
      [
        ['sink.removed', 'acme', 'ann'],
        ['sink.set', 'acme', 'ann'],
      ],
    )
  })

  test('has so many sinks that others wait for them', async (t) => {
    const { ask } = await opened(t)
    for (let n = 0; n < 8; n += 1) {
      assert.equal((await ask('PUT', `/siem-${n}`, webhook())).status, 200)
    }
    assert.equal((await ask('PUT', '/siem-8', webhook())).status, 409)
    assert.equal((await ask('PUT', '/siem-7', webhook())).status, 200)
  })

  test('has a log sent inside, whatever its address is written like', async (t) => {
    const { ask, sinks } = await opened(t, { outside: tenantOutside() })
    const places = [
      '127.0.0.1',
      '10.0.0.1',
      '169.254.169.254',
      'localhost',
      'vending',
      '2130706433',
    ]
    for (const place of [...places, '::1', '::ffff:10.0.0.1', 'metadata.google.internal']) {
      const host = place.includes(':') ? `[${place}]` : place
      const url = `https://${host}/x`
      for (const sink of [
        { ...webhook().sink, url },
        { ...bucket().sink, endpoint: url },
        { kind: 'syslog', host: place },
        { kind: 'syslog', host: 'siem.example.com', tls: false },
        { ...webhook().sink, url: 'http://siem.example.com/x' },
      ]) {
        const answer = await ask('PUT', '/siem', { sink })
        assert.equal(answer.status, 400, `${JSON.stringify(sink)} ${await answer.text()}`)
      }
    }
    assert.deepEqual(await sinks.list(logOf(ACME)), [])
  })

  test('has a log sent inside by a name that leads there when it is used', async (t) => {
    const { port } = new URL(web.url)
    const syslog = await syslogReceiver()
    t.after(syslog.close)
    const outside = resolvedOutside('127.0.0.1')
    const { ask } = await opened(t, { outside })
    await grow('acme', 1)
    const host = 'siem.example.com'
    await ask('PUT', '/hook', {
      sink: { ...webhook().sink, url: `https://${host}:${port}/x` },
      from: 'start',
    })
    await ask('PUT', '/bucket', {
      ...{ sink: { ...bucket().sink, endpoint: `https://${host}:${port}` }, from: 'start' },
    })
    await ask('PUT', '/syslog', {
      sink: { kind: 'syslog', host, port: syslog.port },
      from: 'start',
    })
    await until('each was tried, and all look alike', async () => {
      const { items } = (await (await ask('GET', '/')).json()) as {
        items: readonly { readonly attempts: number; readonly last_error: string | null }[]
      }
      return (
        items.length === 3 &&
        items.every((one) => one.last_error === 'the receiver cannot be reached')
      )
    })
    assert.equal(web.got.length + syslog.messages.length, 0)
  })
})

test('what was sealed with a key that is replaced opens with the new one alone afterwards', async (t) => {
  const [old, young] = [randomBytes(32), randomBytes(32)]
  await grow('acme', 1)
  web.answer = () => ({ status: 500 })
  const first = await opened(t, { keys: new KeyEncryptionKeys([old]) })
  await first.ask('PUT', '/siem', webhook())
  await first.close()
  await (await opened(t, { keys: new KeyEncryptionKeys([young, old]) })).close()
  web.answer = () => ({ status: 200 })
  const tried = web.got.length
  await opened(t, { keys: new KeyEncryptionKeys([young]) })
  await until('it goes on', () => web.got.length > tried)
})
