import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import type { Hono } from 'hono'
import { type ControlSite, fillCatalogue, startControlSite } from '../control-site.test-support.ts'
import type { OpenControlPlane } from '../open-control-plane.ts'
import { MemoryAccounts } from '../operators/memory-accounts.test-support.ts'
import { controlApi } from './control-api.ts'
import type { ApiEnvironment } from './environment.ts'

/** The API on the real control plane and its database; the cells behind it are simple ones. */
let site: ControlSite
let plane: OpenControlPlane
let api: Hono<ApiEnvironment>
let token: string
const logged: string[] = []

before(async () => {
  site = await startControlSite()
  plane = await site.open({
    log: (line: string) => logged.push(line),
    ports: { ...site.ports, operators: new MemoryAccounts() },
    revocations: { publisher: { publish: async () => {} } },
  })
  await fillCatalogue(plane)
  token = (await plane.operators.bootstrap()) ?? ''
  api = controlApi(plane, {
    version: '1.2.3',
    log: (line) => logged.push(line),
    failedAuthenticationsPerMinute: 1_000_000,
  })
})
after(() => site.stop())

async function call(
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
  as = token,
) {
  const response = await api.request(path, {
    method,
    headers: {
      authorization: `Bearer ${as}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const json = /json/.test(response.headers.get('content-type') ?? '') ? JSON.parse(text) : {}
  return { status: response.status, headers: response.headers, text, json }
}

const asked = (id: string, more: object = {}) => ({
  id,
  display_name: `The ${id} company`,
  tier: 'pooled',
  region: 'eu-west',
  plan: 'standard',
  ...more,
})

/** Follows what was begun to its end by its events. */
async function ended(begun: Awaited<ReturnType<typeof call>>) {
  assert.equal(begun.status, 202, begun.text)
  const { text } = await call('GET', `${begun.headers.get('location')}/events`)
  const end = /^event: end\ndata: (.*)$/m.exec(text)?.[1]
  assert.ok(end, text)
  return JSON.parse(end)
}

async function onboarded(id: string): Promise<void> {
  const workflow = await ended(await call('POST', '/v1/tenants', asked(id)))
  assert.equal(workflow.state, 'succeeded', workflow.error)
}

describe('the control API on the control plane', () => {
  test('a whole life: onboarded, changed, suspended, resumed, moved, exported, purged, with a receipt', async () => {
    await onboarded('life')
    const { json: active, headers } = await call('GET', '/v1/tenants/life')
    assert.equal(active.status, 'active')
    const tag = { 'if-match': headers.get('etag') ?? '' }
    assert.equal((await call('PATCH', '/v1/tenants/life', { legal_hold: true }, tag)).status, 200)
    assert.equal((await call('PATCH', '/v1/tenants/life', { legal_hold: true }, tag)).status, 412)
    assert.equal((await call('DELETE', '/v1/tenants/life?purge=true')).status, 409)
    await call('PATCH', '/v1/tenants/life', { legal_hold: false })
    for (const [noun, body, status] of [
      ['suspension', { why: 'unpaid' }, 'suspended'],
      ['resumption', {}, 'active'],
      ['move', { to: 'bridge' }, 'active'],
      ['export', {}, 'active'],
    ] as const) {
      const workflow = await ended(await call('POST', `/v1/tenants/life/${noun}`, body))
      assert.equal(workflow.state, 'succeeded', `${noun}: ${workflow.error}`)
      assert.equal((await call('GET', '/v1/tenants/life')).json.status, status)
    }
    const purge = await ended(await call('DELETE', '/v1/tenants/life?purge=true&why=over'))
    assert.equal(purge.state, 'succeeded', purge.error)
    assert.equal((await call('GET', '/v1/tenants/life')).json.status, 'erased')
    const receipt = await call('GET', '/v1/tenants/life/receipt')
    assert.equal(receipt.status, 200)
    assert.ok(receipt.json.payload)
    const history = await call('GET', '/v1/tenants/life/history?limit=2')
    assert.equal(history.json.items[0].to, 'erased')
    assert.ok(history.headers.get('link'))
  })

  test('events go on after Last-Event-ID, none twice and none left out', async () => {
    const begun = await call('POST', '/v1/tenants', asked('eventful'))
    await ended(begun)
    const path = `${begun.headers.get('location')}/events`
    const idsAfter = async (last: string) => {
      const { text } = await call('GET', path, undefined, { 'last-event-id': last })
      return [...text.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]))
    }
    const all = await idsAfter('0')
    assert.deepEqual(
      all,
      all.toSorted((a, b) => a - b),
    )
    for (const [index, id] of all.entries()) {
      assert.deepEqual(await idsAfter(String(id)), all.slice(index + 1))
    }
  })

  test('after an id beyond any event’s there is nothing but the end', async () => {
    const begun = await call('POST', '/v1/tenants', asked('beyond'))
    await ended(begun)
    for (const last of ['2147483647', '2147483648', '999999999999999']) {
      const path = `${begun.headers.get('location')}/events`
      const { text } = await call('GET', path, undefined, { 'last-event-id': last })
      assert.doesNotMatch(text, /^event: step$/m)
      assert.match(text, /^event: end$/m, last)
    }
  })

  test('a key makes a change once, also after its answer was lost', async () => {
    const key = { 'idempotency-key': 'onboard-once' }
    const [first, second] = [
      await call('POST', '/v1/tenants', asked('once'), key),
      await call('POST', '/v1/tenants', asked('once'), key),
    ]
    assert.equal(first.status, 202)
    assert.equal(second.text, first.text)
    assert.equal(second.headers.get('idempotent-replayed'), 'true')
    const other = await call('POST', '/v1/tenants', asked('once', { tier: 'silo' }), key)
    assert.equal(other.status, 422)
    await ended(first)
  })

  test('of many equal calls with one key at once, one is made', async () => {
    const key = { 'idempotency-key': 'onboard-race' }
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => call('POST', '/v1/tenants', asked('race'), key)),
    )
    for (const { status } of answers) assert.ok([202, 409].includes(status), String(status))
    const made = answers.filter(({ status }) => status === 202)
    assert.equal(new Set(made.map(({ json }) => json.id)).size, 1)
    const workflows = await call('GET', '/v1/workflows?tenant=race')
    assert.equal(workflows.json.items.length, 1)
    const [first] = made
    assert.ok(first)
    await ended(first)
  })

  test('pages meet every tenant once, and a cursor is good for its own list and filter', async () => {
    for (const id of ['page-a', 'page-b', 'page-c']) {
      await ended(await call('POST', '/v1/tenants', asked(id)))
    }
    const seen: string[] = []
    let path: string | undefined = '/v1/tenants?limit=2'
    let cursor = ''
    while (path !== undefined) {
      const page = await call('GET', path)
      seen.push(...page.json.items.map(({ id }: { id: string }) => id))
      cursor = page.json.next ?? cursor
      path = /<([^>]+)>/.exec(page.headers.get('link') ?? '')?.[1]
    }
    assert.equal(new Set(seen).size, seen.length)
    for (const id of ['page-a', 'page-b', 'page-c']) assert.ok(seen.includes(id))
    const name = encodeURIComponent(cursor)
    for (const list of [
      '/v1/tenants?tier=silo',
      '/v1/workflows?limit=1',
      '/v1/approvals?limit=1',
    ]) {
      assert.equal((await call('GET', `${list}&cursor=${name}`)).status, 400, list)
    }
  })

  test('four eyes: the requester’s own decision is refused, another operator’s is not', async () => {
    const begun = await call('POST', '/v1/tenants', asked('careful', { plan: 'guarded' }))
    const { json } = await call('GET', '/v1/approvals?state=pending')
    const { id } = json.items.find(({ tenant }: { tenant: string }) => tenant === 'careful')
    const decide = (as: string) =>
      call('POST', `/v1/approvals/${id}/decision`, { approve: true }, {}, as)
    assert.equal((await decide(token)).status, 403)
    const body = { name: 'second', scopes: ['approvals:write', 'tenants:read'] }
    const second = (await call('POST', '/v1/operators', body)).json.token
    assert.equal((await decide(second)).status, 200)
    assert.equal((await decide(second)).status, 409)
    assert.equal((await ended(begun)).state, 'succeeded')
    assert.equal((await call('DELETE', '/v1/operators/second')).status, 200)
    assert.equal((await call('GET', '/v1/tenants', undefined, {}, second)).status, 401)
  })

  test('a new operator’s token is in no table of the database', async () => {
    const key = { 'idempotency-key': 'new-operator' }
    const body = { name: 'secretive', scopes: ['tenants:read'] }
    const first = await call('POST', '/v1/operators', body, key)
    assert.equal(first.status, 201, first.text)
    const again = await call('POST', '/v1/operators', body, key)
    assert.equal(again.json.token, first.json.token)
    const tables = await site.ask<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables
        where schemaname in ('registry', 'dbos', 'approvals', 'snapshot')`,
    )
    assert.ok(tables.length > 10)
    for (const { name } of tables) {
      const found = await site.ask(
        `select 1 from ${name} t where strpos(t::text, $1) > 0
            or strpos(encode(convert_to(t::text, 'UTF8'), 'escape'), $1) > 0
            or strpos(t::text, encode(convert_to($1, 'UTF8'), 'hex')) > 0 limit 1`,
        [first.json.token],
      )
      assert.deepEqual(found, [], name)
    }
  })

  test('absent tenants look alike, whatever is asked of them', async () => {
    const same = { 'x-request-id': 'request-1' }
    const answers = await Promise.all(
      ['nobody', 'no-such-tenant'].map((id) => call('GET', `/v1/tenants/${id}`, undefined, same)),
    )
    assert.equal(answers[0]?.status, 404)
    assert.equal(answers[0]?.text, answers[1]?.text)
  })

  test('hostile names, filters and bodies never become trouble of the database', async () => {
    const document = JSON.parse((await call('GET', '/v1/openapi.json')).text)
    const operations = Object.entries<object>(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => ({ path, method: method.toUpperCase() })),
    )
    const nasty = fc.oneof(
      fc.constantFrom('\0', '\ud800', "'; drop table registry.tenant; --", '%00', '../x', '-1'),
      fc.string({ unit: 'binary', maxLength: 40 }),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...operations),
        nasty,
        nasty,
        fc.dictionary(
          fc.constantFrom('id', 'display_name', 'why', 'comment', 'to', 'name', 'hosts', 'reason'),
          fc.oneof(nasty, fc.jsonValue()),
        ),
        async ({ path, method }, name, value, body) => {
          const safe = (text: string) => encodeURIComponent(text.toWellFormed())
          const target = path.replaceAll(/\{\w+\}/g, () => safe(name))
          const query = `?cursor=${safe(value)}`
          const answer = await call(
            method,
            method === 'GET' ? `${target}${query}` : target,
            method === 'GET' ? undefined : body,
          )
          assert.ok(answer.status < 500, `${method} ${target}: ${answer.text}`)
        },
      ),
      { numRuns: 150 },
    )
  })
})
