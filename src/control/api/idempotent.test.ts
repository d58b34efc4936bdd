import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RingfenceError } from '../../core/errors.ts'
import { ACME, TestApi } from './api-client.test-support.ts'

const key = (value: string) => ({ 'idempotency-key': value })

describe('a change with an Idempotency-Key', () => {
  test('is made once: the repeat gets the first answer, and says so', async () => {
    const api = new TestApi()
    const token = api.plane.operator('first')
    const call = { token, body: ACME, headers: key('k-1') }
    const first = await api.call('POST', '/v1/tenants', call)
    const again = await api.call('POST', '/v1/tenants', call)
    assert.equal(first.status, 202)
    assert.equal(first.headers.get('idempotent-replayed'), null)
    assert.equal(again.headers.get('idempotent-replayed'), 'true')
    assert.deepEqual(
      [again.status, again.text, again.headers.get('location'), again.headers.get('content-type')],
      [first.status, first.text, first.headers.get('location'), first.headers.get('content-type')],
    )
    assert.equal(api.plane.workflowsById.size, 1)
  })

  test('is refused with another body, path or method under the same key', async () => {
    const api = new TestApi()
    const token = api.plane.operator('first')
    await api.call('POST', '/v1/tenants', { token, body: ACME, headers: key('k') })
    for (const [method, path, body] of [
      ['POST', '/v1/tenants', { ...ACME, display_name: 'Other' }],
      ['POST', '/v1/tenants/acme/export', {}],
      ['DELETE', '/v1/tenants/acme', undefined],
      ['DELETE', '/v1/tenants/acme?purge=true', undefined],
    ] as const) {
      const answer = await api.call(method, path, { token, body, headers: key('k') })
      assert.equal(answer.status, 422, `${method} ${path}`)
      assert.equal(answer.body.code, 'idempotency_key_reused')
    }
  })

  test('keeps its key to its actor: another operator’s same key is another change', async () => {
    const api = new TestApi()
    const call = { body: ACME, headers: key('shared') }
    await api.call('POST', '/v1/tenants', { ...call, token: api.plane.operator('one') })
    const other = await api.call('POST', '/v1/tenants', {
      ...call,
      token: api.plane.operator('two'),
    })
    // It reaches the registry, and is refused there for itself; nothing of the first answer is shown.
    assert.equal(other.status, 409)
    assert.equal(other.body.code, 'already_exists')
    assert.equal(other.headers.get('idempotent-replayed'), null)
  })

  test('is tried again after a refusal: that changed nothing', async () => {
    const api = new TestApi()
    const token = api.plane.operator('first')
    const call = { token, headers: key('k') }
    const bad = await api.call('POST', '/v1/tenants', { ...call, body: { ...ACME, tier: 'gold' } })
    assert.equal(bad.status, 400)
    const good = await api.call('POST', '/v1/tenants', { ...call, body: ACME })
    assert.equal(good.status, 202)
    assert.equal(good.headers.get('idempotent-replayed'), null)
  })

  test('does not outlive the token’s end: a repeat is authenticated like any call', async () => {
    const api = new TestApi()
    const token = api.plane.operator('leaver')
    const call = { token, body: ACME, headers: key('k') }
    await api.call('POST', '/v1/tenants', call)
    const boss = api.plane.operator('boss')
    await api.call('DELETE', '/v1/operators/leaver', { token: boss })
    assert.equal((await api.call('POST', '/v1/tenants', call)).status, 401)
  })

  test('answers conflict while the first call with the key is under way', async () => {
    const api = new TestApi()
    const token = api.plane.operator('first')
    const real = { ...api.plane.tenants }
    const gate = Promise.withResolvers<void>()
    const reached = Promise.withResolvers<void>()
    Object.assign(api.plane.tenants, {
      create: async (...args: Parameters<typeof real.create>) => {
        reached.resolve()
        await gate.promise
        return real.create(...args)
      },
    })
    const call = { token, body: ACME, headers: key('k') }
    const first = api.call('POST', '/v1/tenants', call)
    await reached.promise
    assert.equal((await api.call('POST', '/v1/tenants', call)).status, 409)
    gate.resolve()
    assert.equal((await first).status, 202)
  })

  test('refuses keys that are none', async () => {
    const api = new TestApi()
    const token = api.plane.operator('first')
    for (const value of ['', 'a b', 'ä', 'x'.repeat(256)]) {
      const answer = await api.call('POST', '/v1/tenants', {
        token,
        body: ACME,
        headers: key(value),
      })
      assert.equal(answer.status, 400, JSON.stringify(value))
    }
    assert.equal(api.plane.tenantsById.size, 0)
  })
})

describe('a new operator’s token', () => {
  const body = { name: 'ci', scopes: ['tenants:read'] }

  test('is shown again to a repeat by the token that asked, and is not readable where it is kept', async () => {
    const api = new TestApi()
    const token = api.plane.operator('first')
    const call = { token, body, headers: key('k') }
    const first = await api.call('POST', '/v1/operators', call)
    assert.equal(first.status, 201)
    const secret = String(first.body.token)
    assert.match(secret, /^rfo_/)
    const kept = JSON.stringify([...api.plane.answers])
    assert.ok(!kept.includes(secret) && !kept.includes('tenants:read'))
    const again = await api.call('POST', '/v1/operators', call)
    assert.equal(again.text, first.text)
    assert.equal((await api.call('GET', '/v1/tenants', { token: secret })).status, 200)
  })

  test('is not shown to another token of the same operator', async () => {
    const api = new TestApi()
    const call = { body, headers: key('k') }
    await api.call('POST', '/v1/operators', { ...call, token: api.plane.operator('first') })
    const other = await api.call('POST', '/v1/operators', {
      ...call,
      token: api.plane.operator('first'),
    })
    assert.equal(other.status, 409)
    assert.doesNotMatch(other.text, /rfo_/)
  })

  test('carries no scope that its maker lacks', async () => {
    const api = new TestApi()
    const token = api.plane.operator('clerk', ['operators:write', 'tenants:read'])
    const more = { name: 'boss', scopes: ['tenants:read', 'tenants:write'] }
    const answer = await api.call('POST', '/v1/operators', { token, body: more })
    assert.equal(answer.status, 403)
    assert.equal(api.plane.operatorsByHash.size, 1)
  })
})

test('trouble while the answer is being remembered is trouble, not success', async () => {
  const api = new TestApi()
  const token = api.plane.operator('first')
  Object.assign(api.plane.idempotency, {
    once: async () => {
      throw new RingfenceError('engine_unavailable', 'the control database does not answer')
    },
  })
  const answer = await api.call('POST', '/v1/tenants', { token, body: ACME, headers: key('k') })
  assert.equal(answer.status, 503)
})
