import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseServiceName } from '../core/names.ts'
import { SigningKey } from '../tokens/signing-key.ts'
import { verifyContext } from '../tokens/tenant-context.ts'
import { KeySet } from '../tokens/verify-token.ts'
import {
  contextKey,
  type Door,
  openDoor,
  type Reply,
  stranger,
  tokenOf,
} from './door.test-support.ts'
import { gateway } from './gateway.ts'

const contextKeys = { request: new KeySet([contextKey.publicJwk]), job: new KeySet([]) }
const contextSeen = (door: Door, service = 'clinic') => {
  const { seen } = service === 'billing' ? door.billing : door.upstream
  const token = seen.at(-1)?.headers['ringfence-context'] ?? ''
  return verifyContext(token, contextKeys, parseServiceName(service))
}

test('by path: the tenant is taken out, and the service learns who calls for whom', async (t) => {
  const door = await openDoor(t)
  const token = tokenOf('acme', { scope: 'openid write read' })
  const reply = await door.ask({ path: '/t/acme/clinic/visits?page=2', token })
  assert.deepEqual([reply.status, reply.body], [200, 'ok'])
  const [seen] = door.upstream.seen
  assert.equal(seen?.url, '/clinic/visits?page=2')
  const { tenant, subject, scopes, roles, kind, requestId, expiresAt } = await contextSeen(door)
  assert.deepEqual(
    { tenant, subject, scopes, roles, kind },
    {
      tenant: 'acme',
      subject: 'ann',
      scopes: ['read', 'write'],
      roles: ['nurse'],
      kind: 'request',
    },
  )
  assert.ok(expiresAt.getTime() <= Date.now() + 60_000)
  assert.equal(requestId, reply.headers['x-request-id'])
  assert.equal(seen.headers['x-request-id'], requestId)
})

test("by host: a tenant's own name, however it is written", async (t) => {
  const door = await openDoor(t)
  for (const host of ['acme.example', 'ACME.Example:8443', 'acme.example.']) {
    const { status } = await door.ask({ path: '/clinic/x', host, token: tokenOf('acme') })
    assert.equal(status, 200, host)
    assert.equal((await contextSeen(door)).tenant, 'acme')
  }
  const both = await door.ask({
    path: '/t/acme/clinic/x',
    host: 'acme.example',
    token: tokenOf('acme'),
  })
  assert.equal(both.status, 200)
})

test('the longest prefix in whole segments decides on the service, and each has its own context', async (t) => {
  const door = await openDoor(t)
  const token = tokenOf('acme')
  await door.ask({ path: '/t/acme/clinic/billing/1', token })
  assert.equal(door.billing.seen[0]?.url, '/base/clinic/billing/1')
  assert.equal((await contextSeen(door, 'billing')).service, 'billing')
  await door.ask({ path: '/t/acme/clinic/billings', token })
  assert.equal(door.upstream.seen[0]?.url, '/clinic/billings')
  await door.ask({ path: '/t/acme/clinic/%62illing/2', token })
  assert.equal(door.billing.seen[1]?.url, '/base/clinic/billing/2')
})

test('where there is no service there is nothing, once it is known who asks', async (t) => {
  const door = await openDoor(t)
  for (const path of ['/t/acme', '/t/acme/', '/t/acme/clinics']) {
    assert.equal((await door.ask({ path, token: tokenOf('acme') })).status, 404, path)
    assert.equal((await door.ask({ path, token: tokenOf('globex') })).status, 401, path)
    assert.equal((await door.ask({ path })).status, 401, path)
  }
})

/** What a caller can tell replies apart by. */
const visible = ({ status, headers, body }: Reply) => {
  const { 'x-request-id': _, date: __, ...rest } = headers
  return { status, headers: rest, body }
}

test('a tenant that is absent, suspended or another’s is refused with the very same answer', async (t) => {
  const door = await openDoor(t)
  const acme = tokenOf('acme')
  const twin = tokenOf('acme', { iss: 'https://id.example/realms/none', tenant_id: 'none' })
  const asks = [
    { path: '/t/none/clinic/x', token: acme },
    { path: '/t/none/clinic/x', token: twin },
    { path: '/t/none/nowhere', token: acme },
    { path: '/t/NONE/clinic/x', token: acme },
    { path: '/t//clinic/x'.replace('//', '/-/'), token: acme },
    { path: '/clinic/x', token: acme },
    { path: '/clinic/x', host: 'none.example', token: acme },
    { path: '/clinic/x', host: 'globex.example', token: acme },
    { path: '/t/none/clinic/x', host: 'globex.example', token: acme },
    { path: '/t/globex/clinic/x', host: 'acme.example', token: acme },
    { path: '/t/globex/clinic/x', token: acme },
    { path: '/t/globex/clinic/x', token: tokenOf('globex', {}, stranger) },
    { path: '/t/globex/clinic/x', token: tokenOf('globex', { exp: 1 }) },
    { path: '/t/globex/clinic/x', token: 'nonsense' },
    { path: '/t/hooli/clinic/x', token: acme },
    { path: '/t/hooli/clinic/x', token: tokenOf('hooli') },
    { path: '/t/initech/clinic/x', token: acme },
    { path: '/t/pied/clinic/x', token: acme, method: 'POST' },
  ]
  const replies = await Promise.all(asks.map(async (ask) => visible(await door.ask(ask))))
  const [first] = replies
  assert.equal(first?.status, 401)
  assert.match(String(first.headers['www-authenticate']), /^Bearer .*error="invalid_token"/)
  for (const [index, reply] of replies.entries()) {
    assert.deepEqual(reply, first, JSON.stringify(asks[index]))
  }
  assert.equal(door.upstream.seen.length, 0)
})

test('without a token there is one answer too, and it says that one is needed', async (t) => {
  const door = await openDoor(t)
  const replies = await Promise.all(
    ['acme', 'globex', 'none', 'hooli'].flatMap((tenant) =>
      [[], ['authorization', 'Basic YTpi'], ['authorization', 'Bearer']].map(async (headers) =>
        visible(await door.ask({ path: `/t/${tenant}/clinic/x`, headers })),
      ),
    ),
  )
  for (const reply of replies) assert.deepEqual(reply, replies[0])
  assert.equal(replies[0]?.headers['www-authenticate'], 'Bearer realm="ringfence"')
})

test('who is known and may not is told so', async (t) => {
  const door = await openDoor(t)
  const reply = await door.ask({ path: '/t/acme/clinic/x', token: tokenOf('acme', { scope: '' }) })
  assert.equal(reply.status, 403)
  assert.match(String(reply.headers['www-authenticate']), /insufficient_scope/)
})

test('in a pause reads go on, with nothing that could write, and writes are told to wait', async (t) => {
  const door = await openDoor(t)
  const token = tokenOf('pied')
  assert.equal((await door.ask({ path: '/t/pied/clinic/x', token })).status, 200)
  assert.deepEqual((await contextSeen(door)).scopes, ['read'])
  const write = await door.ask({ path: '/t/pied/clinic/x', method: 'PUT', token, body: 'x' })
  assert.equal(write.status, 503)
  assert.ok(Number(write.headers['retry-after']) >= 1)
})

test('a plan’s requests are counted for its tenant, and callers see what is left', async (t) => {
  const door = await openDoor(t)
  const token = tokenOf('small')
  const replies: Reply[] = []
  for (let n = 0; n < 4; n += 1) replies.push(await door.ask({ path: '/t/small/clinic/x', token }))
  assert.deepEqual(
    replies.map(({ status }) => status),
    [200, 200, 200, 429],
  )
  assert.match(String(replies[0]?.headers['ratelimit']), /^"tiny";r=2;t=\d+$/)
  assert.equal(replies[0]?.headers['ratelimit-policy'], '"tiny";q=3;w=60')
  assert.match(String(replies[3]?.headers['ratelimit']), /^"tiny";r=0;t=\d+$/)
  assert.ok(Number(replies[3]?.headers['retry-after']) >= 1)
  const other = await door.ask({ path: '/t/acme/clinic/x', token: tokenOf('acme') })
  assert.equal(other.status, 200)
})

test('strangers do not use a tenant’s plan up', async (t) => {
  const door = await openDoor(t)
  for (let n = 0; n < 5; n += 1) {
    await door.ask({ path: '/t/small/clinic/x', token: tokenOf('acme') })
  }
  const { status } = await door.ask({ path: '/t/small/clinic/x', token: tokenOf('small') })
  assert.equal(status, 200)
})

test('what was verified before does not outlive a change of its tenant', async (t) => {
  const door = await openDoor(t)
  const ask = async (token: string) => (await door.ask({ path: '/t/acme/clinic/x', token })).status
  const token = tokenOf('acme')
  assert.equal(await ask(token), 200)
  door.source.change('acme', { status: 'suspended' })
  assert.equal(await ask(token), 401)
  door.source.change('acme', { status: 'active' })
  assert.equal(await ask(token), 200)
  door.source.change('acme', { keys: [] })
  assert.equal(await ask(token), 401)
})

test('a token that was verified for one tenant is not taken for verified for another', async (t) => {
  const door = await openDoor(t)
  const token = tokenOf('acme')
  assert.equal((await door.ask({ path: '/t/acme/clinic/x', token })).status, 200)
  for (const tenant of ['initech', 'globex', 'none']) {
    const { status } = await door.ask({ path: `/t/${tenant}/clinic/x`, token })
    assert.equal(status, 401, tenant)
  }
})

test('without a recent configuration nobody is served', async (t) => {
  const door = await openDoor(t)
  door.source.stale = true
  const { status, body } = await door.ask({ path: '/t/acme/clinic/x', token: tokenOf('acme') })
  assert.equal(status, 503)
  assert.match(body, /snapshot_stale/)
})

test('a tenant whose plan is not known is not served without limits', async (t) => {
  const door = await openDoor(t)
  door.source.change('acme', { plan: 'gone' as never })
  assert.equal((await door.ask({ path: '/t/acme/clinic/x', token: tokenOf('acme') })).status, 503)
})

test('the log has a line a request, with the reason of a refusal, and no secret', async (t) => {
  const door = await openDoor(t)
  const token = tokenOf('acme')
  await door.ask({ path: '/t/acme/clinic/x?secret=hunter2', token })
  await door.ask({ path: '/t/globex/clinic/x', token })
  await door.ask({ path: `/t/acme/clinic/x?access_token=${token}` })
  const lines = door.lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  assert.equal(lines.length, 3)
  const [served, refused] = lines
  assert.equal(served?.['tenant'], 'acme')
  assert.equal(served['subject'], 'ann')
  assert.equal(served['route'], 'clinic')
  assert.equal(served['status'], 200)
  assert.equal(refused?.['subject'], undefined)
  assert.match(String(refused?.['reason']), /token/)
  const text = door.lines.join('\n')
  const context = door.upstream.seen[0]?.headers['ringfence-context'] ?? ''
  for (const secret of [...token.split('.'), ...context.split('.'), 'hunter2', 'Bearer']) {
    assert.ok(!text.includes(secret))
  }
})

test('a key or a life that contexts must not have is refused at the start', async (t) => {
  const { source, revocations } = await openDoor(t)
  const options = { source, revocations, log: () => undefined }
  const edKey = await SigningKey.create('EdDSA')
  const misuse = { code: 'invalid_argument' }
  assert.throws(() => gateway({ ...options, contextKey: edKey }), misuse)
  for (const contextSeconds of [0, 61, Number.NaN]) {
    assert.throws(() => gateway({ ...options, contextKey, limits: { contextSeconds } }), misuse)
  }
})
