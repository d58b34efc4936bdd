import assert from 'node:assert/strict'
import { test } from 'node:test'
import { call } from '../http/call.ts'
import { CONTEXT_JWKS_PATH, gatewayAdmin } from './admin.ts'
import { contextKey, openDoor, stranger, tokenOf } from './door.test-support.ts'
import { openGateway } from './open-gateway.ts'

test('it is ready when there is a configuration that names its key', async (t) => {
  const { source, revocations } = await openDoor(t)
  const ready = async (key = contextKey) =>
    (await gatewayAdmin(source, key, revocations).request('/readyz')).status
  assert.equal(await ready(), 503)
  source.trust(contextKey.publicJwk)
  assert.equal(await ready(), 200)
  assert.equal(await ready(stranger), 503)
  revocations.known = false
  assert.equal(await ready(), 503)
  revocations.known = true
  assert.equal(await ready(), 200)
  source.stale = true
  assert.equal(await ready(), 503)
  const admin = gatewayAdmin(source, contextKey, revocations)
  assert.equal((await admin.request('/healthz')).status, 200)
})

test('the public half of the context key is there for services, and the private one is not', async (t) => {
  const { source, revocations } = await openDoor(t)
  const response = await gatewayAdmin(source, contextKey, revocations).request(CONTEXT_JWKS_PATH)
  const text = await response.text()
  assert.deepEqual(JSON.parse(text), { keys: [contextKey.publicJwk] })
  assert.ok(!text.includes(String(contextKey.privateJwk.d)))
})

test('both listeners open and close, and callers never reach the operators’', async (t) => {
  const { source, revocations } = await openDoor(t)
  const open = await openGateway({
    source,
    revocations,
    contextKey,
    log: () => undefined,
    listen: { host: '127.0.0.1', port: 0 },
    admin: { host: '127.0.0.1', port: 0 },
  })
  const health = await call(open.adminUrl, { method: 'GET', path: '/healthz' })
  assert.equal(health.status, 200)
  for (const path of ['/healthz', '/readyz', CONTEXT_JWKS_PATH]) {
    assert.equal((await call(open.url, { method: 'GET', path })).status, 401)
  }
  const headers = { authorization: `Bearer ${tokenOf('acme')}`, host: 'api.example' }
  const { status } = await call(open.url, { method: 'GET', path: '/t/acme/clinic/x', headers })
  assert.equal(status, 200)
  await open.close()
  await assert.rejects(call(open.url, { method: 'GET', path: '/' }), { code: 'engine_unavailable' })
})
