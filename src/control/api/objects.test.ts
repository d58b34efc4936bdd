import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseTenantId } from '../../core/tenant.ts'
import { TENANT_SCOPES } from '../control-plane.ts'
import { type Call, TestApi } from './api-client.test-support.ts'

const SPEC = { direction: 'both', rules: [{ kind: 'size', bytes: 10 }] }
const WIDER = { direction: 'both', rules: [{ kind: 'size', bytes: 11 }] }
const guardrail = (name: string, tenant?: string, spec: object = SPEC) => ({
  apiVersion: 'ringfence.dev/v1',
  kind: 'Guardrail',
  metadata: { name, ...(tenant === undefined ? {} : { tenant }) },
  spec,
})
const OWN = '/v1/tenants/acme/objects/guardrail/sizes'
const THEIRS = '/v1/tenants/globex/objects/guardrail/sizes'

function opened() {
  const api = new TestApi()
  const token = api.plane.operator('first')
  const admin = api.plane.operator('acme.ci', TENANT_SCOPES, parseTenantId('acme'))
  const call = (method: string, path: string, more: Call = {}) =>
    api.call(method, path, { token, ...more })
  return { api, token, admin, call }
}

test('what is wrong with manifests is told by where it stands in the body', async () => {
  const { call } = opened()
  const objects = [guardrail('a'), guardrail('b', 'acme', { direction: 'up', rules: [], more: 1 })]
  const { status, body } = await call('POST', '/v1/apply', { body: { objects } })
  assert.equal(status, 400)
  assert.equal(body['code'], 'invalid_manifest')
  assert.deepEqual(
    (body['errors'] as { pointer: string }[]).map(({ pointer }) => pointer).toSorted(),
    ['#/objects/1/spec/direction', '#/objects/1/spec/more', '#/objects/1/spec/rules'],
  )
  assert.deepEqual((await call('GET', '/v1/objects')).body['items'], [])
})

test('the tag of one object is good for this object alone, in this life and version', async () => {
  const { call } = opened()
  const put = (path: string, headers: Record<string, string>, spec = WIDER) =>
    call('PUT', path, { body: { spec }, headers })
  for (const path of [OWN, THEIRS]) {
    assert.equal((await put(path, { 'if-none-match': '*' }, SPEC)).status, 200)
    assert.equal((await put(path, { 'if-none-match': '*' }, SPEC)).status, 412)
  }
  const [own, theirs] = await Promise.all(
    [OWN, THEIRS].map(async (path) => (await call('GET', path)).headers.get('etag') ?? ''),
  )
  assert.ok(own !== undefined && theirs !== undefined && own !== theirs)
  assert.equal((await put(OWN, { 'if-match': theirs })).status, 412)
  assert.equal((await put(OWN, { 'if-match': `W/${own}` })).status, 412)
  const changed = await put(OWN, { 'if-match': own })
  assert.equal(changed.status, 200)
  assert.equal((await put(OWN, { 'if-match': own }, SPEC)).status, 412)
  assert.equal((await call('DELETE', OWN, { headers: { 'if-match': own } })).status, 412)
  const now = changed.headers.get('etag') ?? ''
  assert.equal((await call('GET', OWN, { headers: { 'if-none-match': now } })).status, 304)
  assert.equal((await call('DELETE', OWN, { headers: { 'if-match': now } })).status, 200)
  assert.equal((await put(OWN, { 'if-match': '*' })).status, 412)
})

test('a tenant’s token reads and writes what is the tenant’s, and the rest is not there for it', async () => {
  const { call, admin } = opened()
  const body = { objects: [guardrail('all'), guardrail('sizes', 'globex')] }
  await call('POST', '/v1/apply', { body })
  const as = (method: string, path: string, more: Call = {}) =>
    call(method, path, { ...more, token: admin })
  assert.equal((await as('PUT', OWN, { body: { spec: SPEC } })).status, 200)
  assert.equal((await as('GET', '/v1/objects/guardrail/all')).status, 200)
  const absent = await as('GET', '/v1/tenants/globex/objects/guardrail/nothing')
  const present = await as('GET', THEIRS)
  assert.deepEqual([present.status, present.body['title']], [absent.status, absent.body['title']])
  for (const [method, path, more] of [
    ['PUT', THEIRS, { spec: SPEC }],
    ['DELETE', THEIRS, undefined],
    ['GET', `${THEIRS}/history`, undefined],
    ['POST', '/v1/apply', { objects: [guardrail('mine', 'globex')] }],
    [
      'POST',
      '/v1/apply',
      { objects: [], remove: [{ kind: 'Guardrail', name: 'sizes', tenant: 'globex' }] },
    ],
  ] as const) {
    const answer = await as(method, path, more === undefined ? {} : { body: more })
    assert.equal(answer.status, 404, `${method} ${path}: ${answer.text}`)
  }
  for (const path of ['/v1/tenants', '/v1/tenants/acme', '/v1/operators', '/v1/workflows']) {
    assert.equal((await as('GET', path)).status, 403, path)
  }
  const { body: listed } = await as('GET', '/v1/objects')
  assert.doesNotMatch(JSON.stringify(listed), /globex/)
})

test('a body of manifests may be long, but only from who may send one', async () => {
  const { call } = opened()
  const text = 'x'.repeat(300_000)
  const store = {
    ...guardrail('main', 'acme', { schema: text.slice(0, 150_000), policies: [] }),
    kind: 'PolicyStore',
  }
  assert.equal((await call('POST', '/v1/apply', { body: { objects: [store] } })).status, 200)
  const huge = `{"objects":[],"why":"${'x'.repeat(9 * 1024 * 1024)}"}`
  const json = { 'content-type': 'application/json' }
  assert.equal((await call('POST', '/v1/apply', { body: huge, headers: json })).status, 413)
  const nobody = await call('POST', '/v1/apply', { body: huge, headers: json, token: 'rfo_none' })
  assert.equal(nobody.status, 401)
  const elsewhere = { body: { display_name: text } }
  assert.equal((await call('PATCH', '/v1/tenants/acme', elsewhere)).status, 413)
})

test('a path or a name that is none is refused, and so is a kind of the platform’s below a tenant', async () => {
  const { call } = opened()
  for (const path of [
    '/v1/objects/thing/a',
    '/v1/objects/guardrail/A',
    '/v1/tenants/Acme/objects/guardrail/a',
    '/v1/tenants/acme/objects/plan/standard',
    '/v1/tenants/acme/objects/tenant/acme',
    '/v1/objects/guardrail/a?generation=0',
  ]) {
    assert.equal((await call('GET', path)).status, 400, path)
  }
})

test('a condition that nobody understands changes nothing', async () => {
  const { call } = opened()
  const headers = { 'if-none-match': '"x"' }
  assert.equal((await call('PUT', OWN, { body: { spec: SPEC }, headers })).status, 400)
  assert.equal((await call('GET', OWN)).status, 404)
})
