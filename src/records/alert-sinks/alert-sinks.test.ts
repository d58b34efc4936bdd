import assert from 'node:assert/strict'
import { after, before, beforeEach, test, type TestContext } from 'node:test'
import type { AlertMail } from '../../alerts/mail-sink.ts'
import { Alerts } from '../../alerts/open-alerts.ts'
import { type Outside, platformOutside, tenantOutside } from '../../alerts/outside.ts'
import { resolvedOutside } from '../../alerts/resolved-outside.test-support.ts'
import { StoredAlerts } from '../../alerts/stored-alerts.ts'
import type { AuditEntry } from '../../audit/entry.ts'
import { RingfenceError } from '../../core/errors.ts'
import { parseSubject } from '../../core/names.ts'
import { parseTenantId, type TenantId } from '../../core/tenant.ts'
import { PooledDatabase } from '../../database/pooled-database.ts'
import { usableOrNot } from '../../database/server-errors.ts'
import { held } from '../../http/described-routes.test-support.ts'
import { verifySignature } from '../../http/standard-webhooks.ts'
import { prepareAlerts } from '../alert-rows.ts'
import { type IntakeSite, startIntakeSite } from '../intake/intake-site.test-support.ts'
import { KeyEncryptionKeys } from '../log/key-encryption.ts'
import { webReceiver } from '../streams/receivers.test-support.ts'
import { alertSinksApi } from './alert-sinks-api.ts'
import { openAlertSinks } from './open-alert-sinks.ts'

const [ACME, GLOBEX] = [parseTenantId('acme'), parseTenantId('globex')]
const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const ROUTING_KEY = 'R0'.repeat(16)
const AUTHORIZATION = 'Basic c2VjcmV0LW9mLWFuLWluc3RhbmNl'
const AT_ONCE = { groupWaitMs: 0, groupIntervalMs: 0, repeatMs: 3_600_000 } as const
const EVE = 'globex tenant-admin'

let site: IntakeSite
let web: Awaited<ReturnType<typeof webReceiver>>
let database: PooledDatabase
let suspended: Set<TenantId>
before(async () => {
  site = await startIntakeSite()
  web = await webReceiver()
  await site.ask('create schema alerts authorization rf_records')
  await prepareAlerts(site.records)
  const { host = '', port = 0, user = '', password, database: name = '' } = site.records
  database = new PooledDatabase(
    { host, port, user, password: String(password), database: name },
    {
      ...{ applicationName: 'test', connections: 4, connectMs: 30_000, statementMs: 30_000 },
      errorsOf: usableOrNot('the records database'),
    },
  )
})
after(async () => {
  await database?.close()
  await web?.close()
  await site?.stop()
})
beforeEach(async () => {
  const tables = ['sink', 'alert', 'silence', 'message', 'mail_address', 'mail_code', 'mail_day']
  await site.ask(`truncate ${tables.map((one) => `alerts.${one}`).join()}, audit.inbox`)
  suspended = new Set()
  web.got.length = 0
  web.answer = () => ({ status: 200 })
})

async function opened(
  t: TestContext,
  more: { outside?: Outside; mail?: AlertMail; keys?: KeyEncryptionKeys } = {},
) {
  const {
    mail,
    outside = platformOutside(),
    keys = new KeyEncryptionKeys([Buffer.alloc(32, 3)]),
  } = more
  const told: string[] = []
  const owned = await openAlertSinks({
    ...{ database, keys, mail, outside, isActive: (tenant) => !suspended.has(tenant) },
    // The platform's own has the name of a tenant's.
    platform: [{ owner: 'platform', name: 'pager', deliver: async ({ id }) => void told.push(id) }],
  })
  let now = Date.now()
  const alerts = await Alerts.open({
    store: new StoredAlerts(database),
    sinks: (owner) => owned.of(owner),
    ...{ times: AT_ONCE, now: () => now, log: () => {} },
  })
  t.after(() => alerts.close())
  const api = alertSinksApi({
    ...{ sinks: owned.sinks, alerts, log: () => {} },
    // In the place of the gateway's signed word: `acme tenant-admin`.
    callerOf: async (headers) => {
      const [tenant = '', ...roles] = (headers.get('caller') ?? '').split(' ')
      if (tenant === '') throw new RingfenceError('not_authenticated', 'who are you')
      return {
        ...{ tenant: parseTenantId(tenant), subject: parseSubject('ann'), roles },
        ...{ requestId: 'r-1', expiresAt: new Date(), stillMay: () => {} },
      }
    },
  })
  const app = held(api)
  const ask = (method: string, path: string, body?: unknown, caller = 'acme tenant-admin') =>
    app.request(path, {
      ...{ method, headers: { caller } },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  const say = (tenant: TenantId | undefined, summary: string) =>
    alerts.signal({
      ...{ name: 'budget-spent', severity: 'warning', state: 'firing', summary },
      ...{ ...(tenant === undefined ? {} : { tenant }), labels: { summary }, at: new Date(now) },
    })
  /** Tells and delivers what is due, some time later. */
  const turn = async () => {
    now += 1_000
    await alerts.look()
    await site.ask('update alerts.message set next_at = clock_timestamp()')
    return alerts.deliver()
  }
  return { ...owned, alerts, told, ask, say, turn }
}

const webhook = (url = `${web.url}/hook`) => ({ sink: { kind: 'webhook', url, secrets: [SECRET] } })
const pagerduty = { sink: { kind: 'pagerduty', routingKey: ROUTING_KEY } }
const servicenow = (instance = web.url) => ({
  sink: { kind: 'servicenow', instance, authorization: AUTHORIZATION },
})

test('a tenant’s alerts go to its own sinks, signed, and nobody else’s do', async (t) => {
  const { ask, say, turn, told } = await opened(t)
  assert.equal((await ask('PUT', '/sinks/pager', webhook(`${web.url}/acme`))).status, 200)
  assert.equal((await ask('PUT', '/sinks/pager', webhook(`${web.url}/globex`), EVE)).status, 200)
  await say(ACME, 'canary-of-acme')
  await say(GLOBEX, 'canary-of-globex')
  await say(undefined, 'canary-of-the-platform')
  await turn()
  assert.deepEqual(web.got.map(({ url }) => url).toSorted(), ['/acme', '/globex'])
  for (const { url, headers, body } of web.got) {
    verifySignature([SECRET], headers, body)
    assert.deepEqual([...new Set(body.match(/canary-of-[a-z-]+/g))], [`canary-of-${url.slice(1)}`])
  }
  assert.equal(told.length, 1)
  const shown = (await (await ask('GET', '/sinks/pager')).json()) as Record<string, unknown>
  assert.ok(shown['delivered_at'] !== null && shown['last_error'] === null)
  const firing = await (await ask('GET', '/')).text()
  assert.ok(firing.includes('canary-of-acme') && !/globex|platform/.test(firing))
})

test('a sink that is taken away gets nothing that was on its way, and a suspended tenant’s waits', async (t) => {
  const { ask, say, turn } = await opened(t)
  await ask('PUT', '/sinks/pager', webhook())
  await ask('PUT', '/sinks/pager', webhook(), EVE)
  web.answer = () => ({ status: 503 })
  await say(ACME, 'first')
  await turn()
  const shown = (await (await ask('GET', '/sinks/pager')).json()) as Record<string, unknown>
  assert.equal(shown['last_error'], 'engine_unavailable')
  web.got.length = 0
  web.answer = () => ({ status: 200 })
  assert.equal((await ask('DELETE', '/sinks/pager')).status, 204)
  assert.equal(await turn(), 1)
  suspended.add(GLOBEX)
  await say(GLOBEX, 'second')
  await turn()
  assert.equal(web.got.length, 0)
  suspended.clear()
  await turn()
  assert.equal(web.got.length, 1)
})

test('nobody reads a secret back, from the API, the database or the log', async (t) => {
  const { ask } = await opened(t)
  let told = ''
  const all = { hook: webhook(), duty: pagerduty, snow: servicenow() }
  for (const [name, body] of Object.entries(all)) {
    told += await (await ask('PUT', `/sinks/${name}`, body)).text()
    told += await (await ask('GET', `/sinks/${name}`)).text()
  }
  told += await (await ask('GET', '/sinks')).text()
  told += JSON.stringify(
    await site.ask(`select s::text, encode(secrets, 'escape') from alerts.sink s`),
  )
  told += JSON.stringify(await site.ask('select * from audit.inbox'))
  const bad = { sink: { ...servicenow().sink, fields: { 'Not-A-Field': 'x' } } }
  const refusal = await ask('PUT', '/sinks/snow', bad)
  assert.equal(refusal.status, 400)
  told += await refusal.text()
  assert.ok(told.includes('"kind":"servicenow"'))
  for (const secret of [SECRET, ROUTING_KEY, AUTHORIZATION]) assert.ok(!told.includes(secret))
})

test('nobody reaches another tenant’s sinks, or sets any without being its administrator', async (t) => {
  const { ask, sinks } = await opened(t)
  await ask('PUT', '/sinks/pager', webhook())
  assert.deepEqual(await (await ask('GET', '/sinks', undefined, EVE)).json(), { items: [] })
  assert.equal((await ask('GET', '/sinks/pager', undefined, EVE)).status, 404)
  assert.equal((await ask('DELETE', '/sinks/pager', undefined, EVE)).status, 404)
  assert.equal((await ask('GET', '/sinks?tenant=acme', undefined, EVE)).status, 400)
  const forged = { ...webhook(), owner: 'tenant/acme' }
  assert.equal((await ask('PUT', '/sinks/pager', forged, EVE)).status, 400)
  for (const caller of ['acme', 'acme auditor', 'acme tenant-admins']) {
    for (const path of ['/', '/sinks', '/sinks/pager']) {
      assert.equal((await ask('GET', path, undefined, caller)).status, 403)
    }
    assert.equal((await ask('PUT', '/sinks/pager', webhook(), caller)).status, 403)
    assert.equal((await ask('DELETE', '/sinks/pager', undefined, caller)).status, 403)
  }
  assert.equal((await ask('GET', '/sinks', undefined, '')).status, 401)
  // The platform's own are not a tenant's of that name.
  assert.deepEqual(await (await ask('GET', '/sinks', undefined, 'platform tenant-admin')).json(), {
    items: [],
  })
  assert.equal((await sinks.list(ACME)).length, 1)
  assert.equal((await ask('DELETE', '/sinks/pager')).status, 204)
  const rows = await site.ask<{ entry: AuditEntry }>('select entry from audit.inbox order by seq')
  assert.deepEqual(
    rows.map(({ entry }) => [entry.action, entry.tenant, entry.actor.id, entry.object?.type]),
    [
      ['sink.set', 'acme', 'ann', 'alert-sink'],
      ['sink.removed', 'acme', 'ann', 'alert-sink'],
    ],
  )
})

test('nobody has alerts sent inside, whatever the address is written like, or a name leads to', async (t) => {
  const { ask, sinks } = await opened(t, { outside: tenantOutside() })
  const places = ['127.0.0.1', '10.0.0.1', '169.254.169.254', 'localhost', 'vending', '2130706433']
  for (const place of [...places, '[::1]', '[::ffff:10.0.0.1]', 'metadata.google.internal']) {
    for (const sink of [webhook(`https://${place}/x`), servicenow(`https://${place}`)]) {
      assert.equal((await ask('PUT', '/sinks/pager', sink)).status, 400, place)
    }
  }
  for (const sink of [webhook('http://hooks.example.com/x'), servicenow('http://x.example.com')]) {
    assert.equal((await ask('PUT', '/sinks/pager', sink)).status, 400)
  }
  assert.deepEqual(await sinks.list(ACME), [])
  const { port } = new URL(web.url)
  const led = await opened(t, { outside: resolvedOutside('127.0.0.1') })
  await led.ask('PUT', '/sinks/hook', webhook(`https://hooks.example.com:${port}/x`))
  await led.ask('PUT', '/sinks/snow', servicenow(`https://snow.example.com:${port}`))
  await led.say(ACME, 'canary')
  assert.equal(await led.turn(), 2)
  assert.equal(web.got.length, 0)
  const rows = await site.ask('select delivered_at, last_error from alerts.message')
  assert.ok(rows.every((row) => row['delivered_at'] === null && row['last_error'] !== null))
})

const mailTo = (...to: readonly string[]) => ({ sink: { kind: 'mail', to } })

/** A mail server that keeps what it is given. */
function post() {
  const letters: { owner: string; to: string; code: string; text: string }[] = []
  const mail: AlertMail = {
    async send({ owner, to, text }) {
      const code = /^ {2}([A-Z2-9]{10})$/m.exec(text)?.[1] ?? ''
      letters.push({ owner, to: to.join(), code, text })
    },
  }
  const codeOf = (owner: string) =>
    letters.findLast((one) => one.owner === owner && one.code !== '')?.code ?? ''
  return { letters, mail, codeOf }
}

const wireOf = async (answer: Response | Promise<Response>) =>
  (await (await answer).json()) as Record<string, unknown>

test('mail is refused where none is set up, and for what is not one address', async (t) => {
  const without = await opened(t)
  assert.equal((await without.ask('PUT', '/sinks/mail', mailTo('ops@acme.example'))).status, 400)
  const { letters, mail } = post()
  const { ask } = await opened(t, { mail })
  for (const to of [
    ...['a@b.example\nBcc: x@y.example', 'a@b.example,c@d.example', 'Ann <a@b.example>'],
    ...['аnn@b.example', 'a b@c.example', 'a@b', '@b.example', `${'a'.repeat(65)}@b.example`],
  ]) {
    assert.equal((await ask('PUT', '/sinks/mail', mailTo(to))).status, 400, to)
  }
  assert.deepEqual(letters, [])
})

test('a tenant has nobody mailed who has not told it the code that went there', async (t) => {
  const { letters, mail, codeOf } = post()
  const { ask, say, turn } = await opened(t, { mail })
  const confirm = (code: string, address = 'ops@acme.example', caller?: string) =>
    ask('PUT', '/sinks/mail/confirmation', { address, code }, caller)
  const unconfirmed = async () => (await wireOf(ask('GET', '/sinks/mail')))['unconfirmed']
  const asked = await wireOf(ask('PUT', '/sinks/mail', mailTo('Ops@acme.example')))
  assert.deepEqual(asked['unconfirmed'], ['ops@acme.example'])
  await ask('PUT', '/sinks/mail', mailTo('ops@acme.example'), EVE)
  await say(ACME, 'canary-of-acme')
  await turn()
  assert.deepEqual(
    letters.map(({ owner, to }) => [owner, to]),
    [
      ['tenant/acme', 'ops@acme.example'],
      ['tenant/globex', 'ops@acme.example'],
    ],
  )
  assert.ok(!letters.some(({ text }) => text.includes('canary')))
  assert.ok(!(await (await ask('GET', '/sinks')).text()).includes(codeOf('tenant/acme')))

  // Another tenant's code is none, nor is one for what the sink does not name; nor for who may not set it.
  assert.equal((await confirm(codeOf('tenant/globex'))).status, 400)
  assert.equal((await confirm(codeOf('tenant/acme'), 'eve@acme.example')).status, 404)
  assert.equal((await confirm(codeOf('tenant/acme'), undefined, 'acme auditor')).status, 403)
  for (let n = 0; n < 4; n += 1) assert.equal((await confirm('AAAAAAAAAA')).status, 400)
  assert.equal((await confirm(codeOf('tenant/acme'))).status, 400, 'after five tries')
  assert.deepEqual(await unconfirmed(), ['ops@acme.example'])

  await site.ask(`update alerts.mail_code set asked_at = asked_at - interval '11 minutes'`)
  await ask('PUT', '/sinks/mail', mailTo('ops@acme.example'))
  const late = codeOf('tenant/acme')
  await site.ask(`update alerts.mail_code set asked_at = asked_at - interval '24 hours'`)
  assert.equal((await confirm(late)).status, 400, 'after a day')
  await ask('PUT', '/sinks/mail', mailTo('ops@acme.example'))
  assert.equal((await confirm(codeOf('tenant/acme').toLowerCase())).status, 200)
  assert.deepEqual(await unconfirmed(), [])
  assert.equal((await confirm('whatever')).status, 200, 'it is confirmed')
  letters.length = 0
  await turn()
  assert.deepEqual(
    letters.map(({ owner, to }) => [owner, to]),
    [['tenant/acme', 'ops@acme.example']],
  )
  assert.ok(letters[0]?.text.includes('canary-of-acme'))
  const stored = JSON.stringify(await site.ask('select * from audit.inbox'))
  assert.ok(stored.includes('sink.confirmed') && !stored.includes('ops@acme.example'))

  // Whom no sink names any more is asked anew.
  await ask('PUT', '/sinks/mail', mailTo('other@acme.example'))
  await ask('PUT', '/sinks/mail', mailTo('ops@acme.example'))
  assert.deepEqual(await unconfirmed(), ['ops@acme.example'])
})

test('a tenant has strangers mailed so often and no more, and is told when it is enough', async (t) => {
  const { letters, mail, codeOf } = post()
  const { ask, say, turn } = await opened(t, { mail })
  const later = () =>
    site.ask(`update alerts.mail_code set asked_at = asked_at - interval '11 minutes'`)
  const statuses: number[] = []
  for (let n = 0; n < 5; n += 1) {
    // Taken away in between: what was asked is not forgotten with the sink.
    await ask('DELETE', '/sinks/mail')
    statuses.push((await ask('PUT', '/sinks/mail', mailTo('one@x.example'))).status)
    await later()
  }
  assert.deepEqual(statuses, [200, 200, 200, 429, 429])
  assert.equal((await ask('GET', '/sinks/mail')).status, 404, 'nothing is changed')
  for (let n = 0; n < 5; n += 1) {
    const five = Array.from({ length: 5 }, (_, place) => `a-${n}-${place}@x.example`)
    await ask('PUT', `/sinks/s-${n}`, mailTo(...five))
  }
  assert.equal(letters.length, 18, 'three and three times five: the next five would be too many')
  assert.equal((await ask('PUT', '/sinks/mail', mailTo('one@x.example'), EVE)).status, 200)

  const code = codeOf('tenant/globex')
  await ask('PUT', '/sinks/mail/confirmation', { address: 'one@x.example', code }, EVE)
  // Tomorrow's too: it is a day of UTC.
  await site.ask(
    `insert into alerts.mail_day select 'tenant/globex', (now() at time zone 'utc')::date + n, 500
     from generate_series(0, 1) as n`,
  )
  letters.length = 0
  await say(GLOBEX, 'canary')
  await turn()
  assert.deepEqual(letters, [])
  const shown = await wireOf(ask('GET', '/sinks/mail', undefined, EVE))
  assert.equal(shown['last_error'], 'overloaded')
  await site.ask('update alerts.mail_day set mails = 499')
  await turn()
  assert.equal(letters.length, 1)
})

test('a code that could not be mailed can be asked for again at once', async (t) => {
  const { letters, mail } = post()
  let away = true
  const { ask } = await opened(t, {
    mail: {
      async send(one) {
        if (away) throw new RingfenceError('engine_unavailable', 'away')
        await mail.send(one)
      },
    },
  })
  for (let n = 0; n < 5; n += 1) {
    assert.equal((await ask('PUT', '/sinks/mail', mailTo('ops@acme.example'))).status, 503)
  }
  away = false
  assert.equal((await ask('PUT', '/sinks/mail', mailTo('ops@acme.example'))).status, 200)
  assert.equal(letters.length, 1)
})

test('an erased tenant’s sinks are gone with it, and so many that others would wait are refused', async (t) => {
  const { ask, sinks } = await opened(t)
  await ask('PUT', '/sinks/pager', webhook(), EVE)
  for (let n = 0; n < 8; n += 1) {
    assert.equal((await ask('PUT', `/sinks/s-${n}`, webhook())).status, 200)
  }
  assert.equal((await ask('PUT', '/sinks/s-8', webhook())).status, 409)
  assert.equal((await ask('PUT', '/sinks/s-7', webhook())).status, 200)
  await site.ask(`insert into alerts.mail_address values ('tenant/acme', 'a@b.example', 'ann')`)
  await sinks.erase(ACME)
  assert.deepEqual(await sinks.list(ACME), [])
  assert.deepEqual(await site.ask('select from alerts.mail_address'), [])
  assert.equal((await sinks.list(GLOBEX)).length, 1)
})

test('what was sealed with a key that is replaced opens with the new one alone afterwards', async (t) => {
  const [old, young] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]
  const first = await opened(t, { keys: new KeyEncryptionKeys([old]) })
  await first.ask('PUT', '/sinks/pager', webhook())
  await opened(t, { keys: new KeyEncryptionKeys([young, old]) })
  const { say, turn } = await opened(t, { keys: new KeyEncryptionKeys([young]) })
  await say(ACME, 'canary')
  await turn()
  assert.equal(web.got.length, 1)
})
