import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ACME, TestApi } from './api-client.test-support.ts'

async function withTenants(...ids: readonly string[]): Promise<{ api: TestApi; token: string }> {
  const api = new TestApi()
  const token = api.plane.operator('first')
  for (const id of ids) {
    const made = await api.call('POST', '/v1/tenants', { token, body: { ...ACME, id } })
    assert.equal(made.status, 202)
  }
  return { api, token }
}

const idsOf = (body: Record<string, unknown>) =>
  (body.items as { id: string }[]).map(({ id }) => id)

describe('pages', () => {
  test('following `next` meets every item once, and the Link header says the same', async () => {
    const ids = ['a', 'b', 'c', 'd', 'e']
    const { api, token } = await withTenants(...ids)
    const seen: string[] = []
    let path: string | undefined = '/v1/tenants?limit=2&tier=pooled'
    while (path !== undefined) {
      const page = await api.call('GET', path, { token })
      seen.push(...idsOf(page.body))
      const link = /^<([^>]+)>; rel="next"$/.exec(page.headers.get('link') ?? '')?.[1]
      assert.equal(link === undefined, page.body.next === null)
      if (link !== undefined) {
        assert.equal(new URL(link, 'http://x').searchParams.get('cursor'), page.body.next)
        assert.equal(new URL(link, 'http://x').searchParams.get('tier'), 'pooled')
      }
      path = link
    }
    assert.deepEqual(seen, ids)
  })

  test('a cursor of another list or filter is refused', async () => {
    const { api, token } = await withTenants('a', 'b')
    const page = await api.call('GET', '/v1/tenants?limit=1', { token })
    const cursor = encodeURIComponent(String(page.body.next))
    for (const path of [
      `/v1/tenants?tier=pooled&cursor=${cursor}`,
      `/v1/workflows?cursor=${cursor}`,
      `/v1/tenants/a/history?cursor=${cursor}`,
      '/v1/tenants?cursor=bm90IG9uZQ',
    ]) {
      assert.equal((await api.call('GET', path, { token })).status, 400, path)
    }
  })

  test('limits outside 1 to 500 and filters that there are not are refused', async () => {
    const { api, token } = await withTenants()
    for (const query of [
      'limit=0',
      'limit=501',
      'limit=-1',
      'limit=1e2',
      'limit=',
      'limit=1&limit=2',
      'status=gone',
      'stauts=active',
    ]) {
      assert.equal((await api.call('GET', `/v1/tenants?${query}`, { token })).status, 400, query)
    }
  })
})

describe('versions', () => {
  test('what has not changed is answered with 304, what has with the new version', async () => {
    const { api, token } = await withTenants('acme')
    const read = await api.call('GET', '/v1/tenants/acme', { token })
    const tag = read.headers.get('etag') ?? ''
    for (const condition of [tag, `W/${tag}`, `"x", ${tag}`, '*']) {
      const headers = { 'if-none-match': condition }
      const again = await api.call('GET', '/v1/tenants/acme', { token, headers })
      assert.equal(again.status, 304, condition)
      assert.equal(again.text, '')
    }
    await api.call('PATCH', '/v1/tenants/acme', { token, body: { display_name: 'New' } })
    const headers = { 'if-none-match': tag }
    assert.equal((await api.call('GET', '/v1/tenants/acme', { token, headers })).status, 200)
  })

  test('of two updates that read the same version, one is made', async () => {
    const { api, token } = await withTenants('acme')
    const tag = (await api.call('GET', '/v1/tenants/acme', { token })).headers.get('etag') ?? ''
    const update = (display_name: string) =>
      api.call('PATCH', '/v1/tenants/acme', {
        token,
        body: { display_name },
        headers: { 'if-match': tag },
      })
    const answers = await Promise.all([update('One'), update('Two')])
    assert.deepEqual(answers.map(({ status }) => status).toSorted(), [200, 412])
  })

  test('a version of another tenant, a weak one and a made-up one do not match', async () => {
    const { api, token } = await withTenants('acme', 'globex')
    const tagOf = async (id: string) =>
      (await api.call('GET', `/v1/tenants/${id}`, { token })).headers.get('etag') ?? ''
    const other = await tagOf('globex')
    const own = await tagOf('acme')
    assert.notEqual(own, other)
    for (const condition of [other, `W/${own}`, '"1"', '1', own.slice(1, -1)]) {
      const call = { token, body: { legal_hold: true }, headers: { 'if-match': condition } }
      assert.equal((await api.call('PATCH', '/v1/tenants/acme', call)).status, 412, condition)
    }
  })
})

describe('who calls', () => {
  test('an address that fails too often waits, others and good tokens do not', async () => {
    let address = 'a'
    const api = new TestApi({ failedAuthenticationsPerMinute: 3, addressOf: () => address })
    const token = api.plane.operator('first')
    const fresh = api.plane.operator('second')
    assert.equal((await api.call('GET', '/v1/tenants', { token })).status, 200)
    const tries = []
    for (let n = 0; n < 5; n += 1) {
      tries.push(await api.call('GET', '/v1/tenants', { token: `rfo_wrong${n}` }))
    }
    assert.deepEqual(
      tries.map(({ status }) => status),
      [401, 401, 401, 429, 429],
    )
    const stopped = tries.at(-1)
    assert.match(stopped?.headers.get('retry-after') ?? '', /^[1-9]\d*$/)
    assert.match(stopped?.headers.get('ratelimit') ?? '', /^"failed-authentications";r=0;t=\d+$/)
    assert.match(tries[0]?.headers.get('ratelimit') ?? '', /;r=2;/)
    assert.equal((await api.call('GET', '/v1/tenants', { token: fresh })).status, 429)
    assert.equal((await api.call('GET', '/v1/tenants', { token })).status, 200)
    address = 'b'
    assert.equal((await api.call('GET', '/v1/tenants', { token: fresh })).status, 200)
  })

  test('a revoked token gets nothing from having been good', async () => {
    const api = new TestApi({ failedAuthenticationsPerMinute: 1, addressOf: () => 'a' })
    const token = api.plane.operator('leaver')
    await api.call('GET', '/v1/tenants', { token })
    const boss = api.plane.operator('boss')
    await api.call('DELETE', '/v1/operators/leaver', { token: boss })
    assert.equal((await api.call('GET', '/v1/tenants', { token })).status, 401)
  })

  test('every failed authentication has one body, whatever was wrong', async () => {
    const api = new TestApi()
    api.plane.operator('first')
    const answers = await Promise.all(
      ['rfo_x', 'eyJhbGciOiJub25lIn0.e30.', 'x'].map((token) =>
        api.call('GET', '/v1/tenants', { token, headers: { 'x-request-id': 'same-request' } }),
      ),
    )
    assert.equal(new Set(answers.map(({ text }) => text)).size, 1)
  })

  test('a request id is taken when it is harmless, made when it is not, and on every answer', async () => {
    const { api, token } = await withTenants()
    const idFor = async (id: string) =>
      (await api.call('GET', '/v1/cells', { token, headers: { 'x-request-id': id } })).headers.get(
        'x-request-id',
      )
    assert.equal(await idFor('deploy-4711.a_b'), 'deploy-4711.a_b')
    for (const bad of ['short', 'x'.repeat(65), 'line break', '<script>alert(1)', '../../../etc']) {
      assert.match((await idFor(bad)) ?? '', /^[0-9a-f-]{36}$/)
    }
    const refused = await api.call('GET', '/nowhere')
    assert.equal(refused.status, 404)
    assert.equal(refused.body.request_id, refused.headers.get('x-request-id'))
  })
})

describe('bad requests', () => {
  test('are told field by field, with pointers and without the values', async () => {
    const { api, token } = await withTenants()
    const body = { ...ACME, id: 'Acme', hosts: ['ok.example', 'not a host'], extra: 1 }
    const answer = await api.call('POST', '/v1/tenants', { token, body })
    assert.equal(answer.status, 400)
    const errors = answer.body.errors as { in: string; pointer: string; detail: string }[]
    assert.deepEqual(errors.map((error) => `${error.in} ${error.pointer}`).toSorted(), [
      'body #',
      'body #/hosts/1',
      'body #/id',
    ])
    assert.doesNotMatch(answer.text, /not a host|"Acme"/)
  })

  test('bodies that are too long, of another type, or not JSON', async () => {
    const { api, token } = await withTenants()
    const post = (body: string, type = 'application/json') =>
      api.call('POST', '/v1/tenants', { token, body, headers: { 'content-type': type } })
    assert.equal((await post(JSON.stringify({ a: 'x'.repeat(70_000) }))).status, 413)
    assert.equal((await post(JSON.stringify(ACME), 'text/plain')).status, 415)
    assert.equal((await post('{"id":')).status, 400)
    assert.equal((await post('{"__proto__":{"id":"acme"}}')).status, 400)
    assert.equal(api.plane.tenantsById.size, 0)
  })
})

test('an act without particulars needs no body, one with particulars does', async () => {
  const { api, token } = await withTenants('acme')
  const [workflow] = api.plane.workflowsById.keys()
  for (let n = 0; n < 3; n += 1) api.plane.step(workflow ?? '')
  assert.equal((await api.call('POST', '/v1/tenants/acme/suspension', { token })).status, 400)
  assert.equal((await api.call('POST', '/v1/tenants/acme/export', { token })).status, 202)
})

describe('job contexts', () => {
  const body = {
    job: 'nightly-report',
    service: 'clinic',
    scopes: ['read'],
    seconds: 60,
    reason: 'the nightly report',
  }

  test('a workload’s assertion is good once, for its own service alone, and not beside a token', async () => {
    const { api, token } = await withTenants('acme')
    api.plane.assertions.set('signed.one', { name: 'clinic-jobs', service: 'clinic' as never })
    const client_assertion_type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
    const call = { body: { ...body, client_assertion_type, client_assertion: 'signed.one' } }
    assert.equal((await api.call('POST', '/v1/job-contexts', { ...call, token })).status, 400)
    assert.equal((await api.call('POST', '/v1/job-contexts', call)).status, 200)
    assert.equal((await api.call('POST', '/v1/job-contexts', call)).status, 401)
    api.plane.assertions.set('signed.two', { name: 'billing-jobs', service: 'billing' as never })
    const other = { body: { ...call.body, client_assertion: 'signed.two' } }
    assert.equal((await api.call('POST', '/v1/job-contexts', other)).status, 403)
  })
})

test('readiness follows the control plane', async () => {
  const api = new TestApi()
  assert.equal((await api.call('GET', '/readyz')).status, 200)
  api.plane.isHealthy = false
  assert.equal((await api.call('GET', '/readyz')).status, 503)
  assert.equal((await api.call('GET', '/healthz')).status, 200)
})
