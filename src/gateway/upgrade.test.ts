import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { parseTenantId } from '../core/tenant.ts'
import type { TenantConfig } from '../snapshot/snapshot.ts'
import { GATEWAY_CHECKS } from './checks.ts'
import { openDoor, tokenOf, until } from './door.test-support.ts'
import type { GatewayOptions } from './gateway.ts'
import { certificates } from './network-attacks.test-support.ts'
import { acmeSocket, echoed, openSocket, UPGRADES } from './upgrade.test-support.ts'

async function liveDoor(t: TestContext, options: Partial<GatewayOptions> = {}) {
  const door = await openDoor(t, options)
  door.source.change('acme', UPGRADES)
  return door
}

test('a WebSocket goes through where the contract says so, with a context and without the token', async (t) => {
  const door = await liveDoor(t)
  const opened = await acmeSocket(door)
  assert.equal(opened.outcome, 'open')
  assert.equal(await echoed(opened, 'hello'), 'hello')
  const large = 'x'.repeat(300_000)
  assert.equal(await echoed(opened, large), large)
  const [seen] = door.upstream.seen
  assert.equal(seen?.url, '/live/x')
  assert.ok(seen?.headers['ringfence-context'])
  assert.equal(seen?.headers['authorization'], undefined)
  opened.socket.close()
  await opened.closed
  await until(() => door.lines.length === 1 && door.upstream.sockets.size === 0)
  assert.match(door.lines[0] ?? '', /"status":101/)
})

test('a WebSocket goes through over TLS too', async (t) => {
  const door = await liveDoor(t)
  const port = await door.front({ certificates })
  const asked = { path: '/live/x', host: 'acme.example', token: tokenOf('acme') }
  const opened = await openSocket(port, asked, 'wss')
  assert.equal(opened.outcome, 'open')
  assert.equal(await echoed(opened, 'hello'), 'hello')
  opened.socket.terminate()
})

for (const [title, path, tenant, status] of [
  ['an API that is not upgraded', '/t/acme/clinic/x', 'acme', 400],
  ['a tenant without a contract that says so', '/t/globex/clinic/x', 'globex', 400],
  ['a path that nothing serves', '/t/acme/nothing', 'acme', 400],
  ["another tenant's token", '/t/acme/live/x', 'globex', 401],
  ['no token', '/t/acme/live/x', undefined, 401],
  ['a suspended tenant', '/t/hooli/live/x', 'hooli', 401],
] as const) {
  test(`${title}: a handshake is refused like a request, and no service hears of it`, async (t) => {
    const door = await liveDoor(t)
    const token = tenant === undefined ? {} : { token: tokenOf(tenant) }
    const { outcome, closed } = await openSocket(door.port, { path, ...token })
    assert.match(outcome, new RegExp(`^${status} .*urn:ringfence:error`))
    await closed
    assert.equal(door.upstream.seen.length, 0)
  })
}

test('a service that declines is heard', async (t) => {
  const door = await liveDoor(t)
  const asked = { path: '/t/acme/live/refuses', token: tokenOf('acme') }
  assert.equal((await openSocket(door.port, asked)).outcome, '409 no')
})

test('a WebSocket ends when its token does', async (t) => {
  const door = await liveDoor(t)
  const now = Math.floor(Date.now() / 1000)
  const opened = await acmeSocket(door, { iat: now - 10, exp: now + 1 })
  assert.equal(opened.outcome, 'open')
  await opened.closed
  await until(() => door.upstream.sockets.size === 0 && door.lines.length === 1)
  assert.match(door.lines[0] ?? '', /its token has ended/)
})

test('a WebSocket ends when its session is revoked, and another goes on', async (t) => {
  const door = await liveDoor(t)
  const [one, other] = [
    await acmeSocket(door, { sid: 's-1' }),
    await acmeSocket(door, { sid: 's-2' }),
  ]
  const tenant = parseTenantId('acme')
  door.revocations.revoke({ kind: 'session', tenant, id: 's-1', at: new Date() })
  await one.closed
  assert.equal(await echoed(other, 'still here'), 'still here')
  other.socket.terminate()
})

const CHANGES: readonly (readonly [string, Partial<TenantConfig>])[] = [
  ['its tenant is suspended', { ...UPGRADES, status: 'suspended' }],
  ['writes of its tenant wait', { ...UPGRADES, status: 'paused' }],
  ['its contract has no upgrades any more', {}],
  ["its caller's network is shut out", { ...UPGRADES, network: { allow: ['192.0.2.0/24'] } }],
  ['its realm has other keys', { ...UPGRADES, keys: [] }],
]
for (const [title, change] of CHANGES) {
  test(`a WebSocket ends when ${title}, and another tenant's goes on`, async (t) => {
    const door = await liveDoor(t)
    door.source.change('globex', UPGRADES)
    const other = await openSocket(door.port, {
      path: '/t/globex/live/x',
      token: tokenOf('globex'),
    })
    const opened = await acmeSocket(door)
    assert.equal(await echoed(opened, 'hello'), 'hello')
    door.source.change('acme', UPGRADES)
    assert.equal(
      await echoed(opened, 'a change that changes nothing'),
      'a change that changes nothing',
    )
    door.source.change('acme', change)
    await opened.closed
    assert.equal(await echoed(other, 'still here'), 'still here')
    other.socket.terminate()
    await until(() => door.upstream.sockets.size === 0)
  })
}

test('a WebSocket that only reads goes on while writes wait', async (t) => {
  const door = await liveDoor(t)
  const opened = await acmeSocket(door, { scope: 'read' })
  door.source.change('acme', { ...UPGRADES, status: 'paused' })
  assert.equal(await echoed(opened, 'still here'), 'still here')
  opened.socket.terminate()
})

test('WebSockets have places of their own: a tenant with all of them still has those of requests', async (t) => {
  const door = await liveDoor(t, { limits: { upgradesPerTenant: 2, concurrent: 2, queueMs: 1 } })
  const [one, two] = [await acmeSocket(door), await acmeSocket(door)]
  assert.match((await acmeSocket(door)).outcome, /^429 /)
  const asked = { path: '/t/acme/clinic/x', token: tokenOf('acme') }
  assert.equal((await door.ask(asked)).status, 200)
  one.socket.terminate()
  await until(() => door.upstream.sockets.size === 1)
  const again = await acmeSocket(door)
  assert.equal(again.outcome, 'open')
  for (const { socket } of [two, again]) socket.terminate()
})

test('no WebSocket is opened where guardrails look at bodies', async (t) => {
  const door = await openDoor(t, {
    checks: [
      ...GATEWAY_CHECKS,
      { name: 'looks', run: ({ bodyStages }) => void bodyStages.push(() => undefined) },
    ],
  })
  door.source.change('acme', UPGRADES)
  assert.match((await acmeSocket(door)).outcome, /^403 /)
  assert.equal(door.upstream.seen.length, 0)
})

test('an event stream ends when its token does and when its tenant is suspended, as a WebSocket does', async (t) => {
  const door = await liveDoor(t)
  const now = Math.floor(Date.now() / 1000)
  const ask = (claims: object) =>
    door.ask({ path: '/t/acme/clinic/events', token: tokenOf('acme', { ...claims }) }).then(
      () => 'whole',
      () => 'cut off',
    )
  const ending = ask({ iat: now - 10, exp: now + 1 })
  assert.equal(await ending, 'cut off')
  const running = ask({})
  await until(() => door.upstream.hanging.length === 2)
  // What has come is passed on before there is more.
  await until(() => door.upstream.seen.length === 2)
  door.source.change('acme', { ...UPGRADES, status: 'suspended' })
  assert.equal(await running, 'cut off')
})
