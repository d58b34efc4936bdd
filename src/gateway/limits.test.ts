import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LimitConfig } from '../contracts/limit.ts'
import { parseApiName, parseContractName, parseUpstreamName } from '../core/names.ts'
import { type Door, openDoor, tokenOf, until } from './door.test-support.ts'
import { callTool, openMcpSite } from './mcp/mcp-site.test-support.ts'

const rate = (name: string, requests: number, more: Partial<LimitConfig> = {}): LimitConfig =>
  ({ kind: 'rate', name, per: 'tenant', requests, seconds: 60, ...more }) as LimitConfig

const api = (name: string, change: object = {}) => ({
  name: parseApiName(name),
  prefix: `/${name}`,
  upstream: { of: 'platform' as const, name: parseUpstreamName('clinic') },
  ...change,
})

const statuses = async (door: Door, asks: readonly { path?: string; token?: string }[]) => {
  const seen: number[] = []
  for (const ask of asks) {
    const path = ask.path ?? '/t/acme/clinic/x'
    seen.push((await door.ask({ token: tokenOf('acme'), ...ask, path })).status)
  }
  return seen
}

test('callers are told of the limit that leaves the fewest, and of the one that they have used up', async (t) => {
  const door = await openDoor(t)
  door.source.change('acme', { limits: [rate('small', 2), rate('large', 50)] })
  const token = tokenOf('acme')
  const first = await door.ask({ path: '/t/acme/clinic/x', token })
  assert.equal(first.headers['ratelimit-policy'], '"tenant/small";q=2;w=60')
  assert.equal(first.headers['ratelimit'], '"tenant/small";r=1;t=30')
  await door.ask({ path: '/t/acme/clinic/x', token })
  const refused = await door.ask({ path: '/t/acme/clinic/x', token })
  assert.equal(refused.status, 429)
  assert.match(String(refused.headers['content-type']), /problem\+json/)
  assert.match(refused.body, /tenant\/small/)
  assert.match(String(refused.headers['ratelimit']), /^"tenant\/small";r=0;t=\d+$/)
  const wait = Number(refused.headers['retry-after'])
  assert.ok(wait >= 30 && wait <= 37, `${wait}`)
})

test('a limit of an API holds for that API, one for each API for each, and one of the plan for all', async (t) => {
  const door = await openDoor(t)
  const limits = [rate('own', 1)]
  const apis = [api('clinic', { limits }), api('lab'), api('desk')]
  const contract = { name: parseContractName('two'), apis }
  const change = { contract, limits: [rate('each', 2, { per: 'api' })] }
  door.source.change('acme', change)
  const paths = (name: string, count: number) =>
    Array.from({ length: count }, () => ({ path: `/t/acme/${name}/x` }))
  assert.deepEqual(await statuses(door, paths('clinic', 2)), [200, 429])
  assert.deepEqual(await statuses(door, paths('lab', 3)), [200, 200, 429])
  assert.deepEqual(await statuses(door, paths('desk', 3)), [200, 200, 429])
})

test('users, clients and tenants are counted by themselves', async (t) => {
  const door = await openDoor(t)
  for (const name of ['acme', 'globex']) {
    door.source.change(name, { limits: [rate('each', 1, { per: 'user' })] })
  }
  const of = (sub: string) => ({ token: tokenOf('acme', { sub }) })
  assert.deepEqual(await statuses(door, [of('ann'), of('ann'), of('bob')]), [200, 429, 200])
  const globex = { path: '/t/globex/clinic/x', token: tokenOf('globex', { sub: 'ann' }) }
  assert.deepEqual(await statuses(door, [globex, globex]), [200, 429])
})

test('an API that costs more uses more of a quota in cost, and what was refused used nothing', async (t) => {
  const door = await openDoor(t)
  const apis = [api('clinic', { cost: 4 }), api('lab', { cost: 0 }), api('desk')]
  const contract = { name: parseContractName('costs'), apis }
  const limits: LimitConfig[] = [
    { kind: 'quota', name: 'credits', per: 'tenant', unit: 'cost', amount: 9, period: 'month' },
  ]
  door.source.change('acme', { contract, limits })
  const asks = ['clinic', 'clinic', 'clinic', 'desk', 'lab', 'desk'].map((name) => ({
    path: `/t/acme/${name}/x`,
  }))
  assert.deepEqual(await statuses(door, asks), [200, 200, 429, 200, 200, 429])
})

test('a quota in bytes counts bodies both ways, and is known when the answer has ended', async (t) => {
  const door = await openDoor(t)
  const limits: LimitConfig[] = [
    { kind: 'quota', name: 'traffic', per: 'tenant', unit: 'bytes', amount: 1_000, period: 'day' },
  ]
  door.source.change('acme', { limits })
  const token = tokenOf('acme')
  const post = (size: number) =>
    door.ask({ path: '/t/acme/clinic/x', token, method: 'POST', body: 'x'.repeat(size) })
  const first = await post(600)
  const policies = '"standard";q=100000;w=60, "tenant/traffic";q=1000;w=86400;qu="content-bytes"'
  assert.equal(first.headers['ratelimit-policy'], policies)
  await until(() => door.lines.length === 1)
  const second = await post(10)
  assert.match(
    (await door.ask({ path: '/t/acme/clinic/x', token })).headers['ratelimit']?.toString() ?? '',
    /^"standard";r=\d+;t=\d+, "tenant\/traffic";r=38[0-9];t=\d+$/,
  )
  assert.equal(second.status, 200)
  await post(600)
  await until(() => door.lines.length === 4)
  assert.equal((await post(1)).status, 429)
})

test('what is asked of the gateway while it is full waits for its turn, and is served', async (t) => {
  const limits = { concurrent: 1, queueMs: 20_000 }
  const door = await openDoor(t, { limits })
  const hanging = door.ask({ path: '/t/acme/clinic/hang', token: tokenOf('acme') })
  await until(() => door.upstream.hanging.length === 1)
  const waiting = door.ask({ path: '/t/globex/clinic/x', token: tokenOf('globex') })
  door.upstream.hanging[0]?.end()
  assert.equal((await waiting).status, 200)
  assert.equal((await hanging).status, 200)
})

test('who waited in vain is told that it is our fault, when to come, and that nothing was counted', async (t) => {
  const limits = { concurrent: 1, queueMs: 10 }
  const door = await openDoor(t, { limits })
  const quota: LimitConfig = {
    kind: 'quota',
    name: 'monthly',
    per: 'tenant',
    unit: 'requests',
    amount: 1,
    period: 'month',
  }
  door.source.change('globex', { limits: [quota] })
  const hanging = door.ask({ path: '/t/acme/clinic/hang', token: tokenOf('acme') })
  await until(() => door.upstream.hanging.length === 1)
  const ask = () => door.ask({ path: '/t/globex/clinic/x', token: tokenOf('globex') })
  const shed = await ask()
  assert.equal(shed.status, 503)
  assert.ok(Number(shed.headers['retry-after']) >= 1)
  door.upstream.hanging[0]?.end()
  await hanging
  await until(() => door.lines.length === 2)
  assert.deepEqual([(await ask()).status, (await ask()).status], [200, 429])
})

test('a caller who goes away while waiting leaves its place to others', async (t) => {
  const limits = { concurrent: 1, queueMs: 20_000 }
  const door = await openDoor(t, { limits })
  const hanging = door.ask({ path: '/t/acme/clinic/hang', token: tokenOf('acme') })
  await until(() => door.upstream.hanging.length === 1)
  const gone = new AbortController()
  const path = '/t/globex/clinic/x'
  const left = door.ask({ path, token: tokenOf('globex'), signal: gone.signal })
  const stays = door.ask({ path, token: tokenOf('initech', {}), host: 'api.example' })
  gone.abort()
  await assert.rejects(left)
  assert.equal((await stays).status, 401)
  door.upstream.hanging[0]?.end()
  assert.equal((await hanging).status, 200)
  const next = await door.ask({ path, token: tokenOf('globex') })
  assert.equal(next.status, 200)
})

test('a call of a tool holds one seat, not one for itself and one for its message', async (t) => {
  const limits = { concurrent: 2, concurrentPerTenant: 1, queueMs: 50 }
  const site = await openMcpSite(t, { limits })
  const agent = await site.client('acme')
  for (let turn = 0; turn < 3; turn += 1) {
    const { isError, text } = await callTool(agent, 'clinic_listPatients', { ward: 'a' })
    assert.equal(isError, false, text)
  }
})

test('a hard quota that is used up refuses until it ends, and a soft one is only said', async (t) => {
  const door = await openDoor(t)
  const at = (ms: number) => new Date(Date.now() + ms).toISOString()
  const spent = (name: string, ms: number, hard: boolean) => {
    return { name, meter: 'requests', until: at(ms), hard }
  }
  const ask = () => door.ask({ path: '/t/acme/clinic/x', token: tokenOf('acme') })
  door.source.change('acme', { spent: [spent('calls', 90_000, true), spent('day', 50_000, true)] })
  const refused = await ask()
  assert.equal(refused.status, 429)
  assert.match(String(refused.headers['content-type']), /problem\+json/)
  assert.match(refused.body, /quota \\"calls\\" of requests/)
  assert.equal(refused.headers['ringfence-quota'], '"calls";meter="requests"')
  const wait = Number(refused.headers['retry-after'])
  assert.ok(wait >= 88 && wait <= 110, `${wait}`)
  const globex = await door.ask({ path: '/t/globex/clinic/x', token: tokenOf('globex') })
  assert.equal(globex.status, 200)
  door.source.change('acme', { spent: [spent('calls', -1, true), spent('soft', 50_000, false)] })
  const served = await ask()
  assert.equal(served.status, 200)
  assert.equal(served.headers['ringfence-quota'], '"soft";meter="requests"')
})

test('what every tenant has is served also to who has used up a quota', async (t) => {
  const door = await openDoor(t)
  const until = new Date(Date.now() + 90_000).toISOString()
  const { services } = door.source.current().platform
  door.source.platform({ services: services.map((one) => ({ ...one, everyTenant: true })) })
  door.source.change('acme', { spent: [{ name: 'calls', meter: 'requests', until, hard: true }] })
  const served = await door.ask({ path: '/t/acme/clinic/x', token: tokenOf('acme') })
  assert.equal(served.status, 200)
})
