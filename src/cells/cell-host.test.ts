import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import type { CostReading } from '../boundaries/costs.ts'
import { ERROR_CODES, RingfenceError } from '../core/errors.ts'
import type { LeaseId } from '../core/lease.ts'
import { parseCellName, parseRegion, parseTenantId } from '../core/tenant.ts'
import { call } from '../http/call.ts'
import { type CellHost, hostCell } from './cell-host.ts'
import { memoryBoundary, type MemoryBoundary } from './memory-boundary.test-support.ts'
import { KEEPER_OPERATIONS, LEASER_OPERATIONS, pathOf } from './operations.ts'
import { remoteBoundary, remoteLeaser, remoteMeter } from './remote-boundary.ts'

const ACME = parseTenantId('acme')
const TENANT = { id: ACME, tier: 'pooled', region: parseRegion('eu-west') } as const
/** Beyond what a number of JSON is exact to. */
const COSTS: readonly CostReading[] = [
  { tenant: ACME, kind: 'query', form: 'counter', value: 2n ** 90n, epoch: 'since noon' },
  { tenant: ACME, kind: 'storage', form: 'level', value: 0n, epoch: '' },
]
const log: string[] = []
let directory: string
let memory: MemoryBoundary
let host: CellHost

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rf-host-'))
  memory = memoryBoundary()
  host = await hostCell({
    boundary: memory.boundary,
    keeper: join(directory, 'keeper'),
    leaser: join(directory, 'leaser'),
    meter: { socket: join(directory, 'meter'), costs: { costs: () => Promise.resolve(COSTS) } },
    log: (line) => log.push(line),
  })
})
after(async () => {
  await host?.close()
  await rm(directory, { recursive: true, force: true })
})

const remote = () => remoteBoundary(host.keeper, 'memory', ['pooled'])

test('what a call gives is what the boundary gave, dates and all', async () => {
  const { boundary } = memory
  const far = remote()
  const request = { scope: 'read', holder: 'test' } as const
  assert.deepEqual(await far.provision(TENANT), await boundary.provision(TENANT))
  assert.deepEqual(await far.lease(ACME, request), await boundary.lease(ACME, request))
  assert.deepEqual(await far.leases(ACME), await boundary.leases(ACME))
  assert.deepEqual(await far.revoke(ACME), await boundary.revoke(ACME))
  assert.deepEqual(await far.revoke(ACME, 'one' as LeaseId), { leases: ['one'], sessionsEnded: 1 })
  assert.deepEqual(await far.sweep(), await boundary.sweep())
  assert.deepEqual(await far.inspect(), await boundary.inspect())
  assert.deepEqual(await far.smoke(ACME), await boundary.smoke(ACME))
  assert.deepEqual(await far.prepareMove(ACME, 'silo'), await boundary.prepareMove(ACME, 'silo'))
  assert.deepEqual(await far.catchUp(ACME), await boundary.catchUp(ACME))
  assert.deepEqual(await far.cutOver(ACME), await boundary.cutOver(ACME))
  assert.equal(await far.abortMove(ACME), undefined)
  assert.deepEqual(await far.finishMove(ACME), await boundary.finishMove(ACME))
  assert.deepEqual(await far.erase(ACME), await boundary.erase(ACME))
})

test('the meter’s socket tells what tenants cost, to the last digit, and nothing else is there', async () => {
  const { meter = '' } = host
  assert.deepEqual(await remoteMeter(meter).costs(), COSTS)
  const body = JSON.stringify({ tenant: 'acme' })
  const ask = async (address: string, path: string) => {
    const { status, text } = await call(address, { method: 'POST', path, body })
    return { status, text }
  }
  const nothing = await ask(meter, '/v1/no-such-thing')
  assert.equal(nothing.status, 404)
  const calls = memory.calls.length
  for (const name of [...Object.keys(KEEPER_OPERATIONS), 'export', 'stopExport']) {
    assert.deepEqual(await ask(meter, pathOf(name)), nothing, name)
  }
  assert.equal(memory.calls.length, calls)
  // Vending learns nothing of what tenants cost.
  assert.deepEqual(await ask(host.leaser, pathOf('costs')), nothing)
})

test('the leaser’s socket has credentials and nothing else, as if nothing else there were', async () => {
  const { leaser, keeper } = host
  const body = JSON.stringify({ tenant: 'acme' })
  const ask = (address: string, path: string, method: 'GET' | 'POST' = 'POST') =>
    call(address, { method, path, ...(method === 'POST' ? { body } : {}) })
  const nothing = await ask(leaser, '/v1/no-such-thing')
  assert.equal(nothing.status, 404)
  const closed = Object.keys(KEEPER_OPERATIONS).filter((name) => !(name in LEASER_OPERATIONS))
  for (const name of [...closed, 'export', 'stopExport']) {
    const calls = memory.calls.length
    const answer = await ask(leaser, pathOf(name))
    assert.deepEqual([answer.status, answer.text], [404, nothing.text], name)
    assert.equal(memory.calls.length, calls, name)
    assert.notEqual((await ask(keeper, pathOf(name))).status, 404, name)
  }
  for (const name of Object.keys(LEASER_OPERATIONS)) {
    assert.notEqual((await ask(leaser, pathOf(name))).status, 404, name)
    assert.equal((await ask(leaser, pathOf(name), 'GET')).status, 404, name)
  }
  for (const name of ['attacks', 'mutants', 'rehearse', 'close', 'constructor', '../keeper']) {
    assert.equal((await ask(keeper, pathOf(name))).status, 404, name)
  }
  const lease = await remoteLeaser(leaser).lease(ACME, { scope: 'write', holder: 'test' })
  assert.equal(lease.scope, 'write')
})

test('only our own user may open the sockets', async () => {
  for (const name of ['keeper', 'leaser', 'meter']) {
    assert.equal((await stat(join(directory, name))).mode & 0o777, 0o600)
  }
})

test('every refusal arrives with its code, its words and its detail', async () => {
  for (const code of ERROR_CODES) {
    memory.fail = new RingfenceError(code, `because of ${code}`, { detail: 'pid 12' })
    await assert.rejects(remote().catchUp(ACME), {
      name: 'RingfenceError',
      code,
      message: `because of ${code}`,
      detail: 'pid 12',
    })
  }
  memory.fail = undefined
})

test('what nobody expected is told to the host’s log, and to nobody else', async () => {
  memory.fail = new TypeError('password=hunter2')
  await assert.rejects(remote().erase(ACME), {
    code: 'internal',
    message: 'the cell host failed; its log says why',
  })
  memory.fail = undefined
  assert.ok(log.at(-1)?.includes('hunter2'))
})

test('no input reaches the boundary that is not what a caller may send', async () => {
  const paths = [...Object.keys(KEEPER_OPERATIONS), 'export', 'stopExport']
    .filter((name) => name !== 'sweep' && name !== 'inspect')
    .map(pathOf)
  const wrong = fc.oneof(
    fc.json(),
    fc.string(),
    fc.constant('{"tenant":"Acme; drop"}'),
    fc.constant('{"tenant":"acme","__proto__":{"x":1},"extra":true}'),
    fc.constant(`{"tenant":"${'a'.repeat(70_000)}"}`),
  )
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...paths), wrong, async (path, body) => {
      const calls = memory.calls.length
      const answer = await call(host.keeper, { method: 'POST', path, body })
      assert.equal(answer.status, 400, `${path} ${body.slice(0, 100)}`)
      assert.equal(memory.calls.length, calls)
    }),
    { numRuns: 200 },
  )
})

test('a host that is away, or goes away during a call, is an engine that is not available', async () => {
  const gone = remoteBoundary(`unix:${join(directory, 'nobody')}`, 'memory', ['pooled'])
  await assert.rejects(gone.inspect(), { code: 'engine_unavailable' })
  await assert.rejects(gone.export(ACME, NO_SINK), { code: 'engine_unavailable' })
  const dying = createServer((request) => request.socket.destroy())
  const path = join(directory, 'dying')
  await new Promise<void>((resolve) => dying.listen(path, resolve))
  const half = remoteBoundary(`unix:${path}`, 'memory', ['pooled'])
  await assert.rejects(half.cutOver(ACME), { code: 'engine_unavailable' })
  await assert.rejects(half.export(ACME, NO_SINK), { code: 'engine_unavailable' })
  await new Promise((resolve) => dying.close(resolve))
})

test('an answer that this release does not know is not taken for one', async () => {
  const strange = createServer((_, response) => response.end('{"deleted": "all"}'))
  const path = join(directory, 'strange')
  await new Promise<void>((resolve) => strange.listen(path, resolve))
  const far = remoteBoundary(`unix:${path}`, 'memory', ['pooled'])
  await assert.rejects(far.erase(ACME), { code: 'internal' })
  await assert.rejects(far.abortMove(ACME), { code: 'internal' })
  await new Promise((resolve) => {
    strange.close(resolve)
    strange.closeAllConnections()
  })
})

test('a second host does not take the sockets of one that serves', async () => {
  const again = hostCell({
    boundary: memory.boundary,
    keeper: join(directory, 'another'),
    leaser: join(directory, 'leaser'),
  })
  await assert.rejects(again, { code: 'port_taken' })
  assert.equal((await remote().lease(ACME, { scope: 'read', holder: 'test' })).tenant, 'acme')
  assert.equal(parseCellName('memory'), (await remote().provision(TENANT)).cell)
})

const NO_SINK = {
  open: () => Promise.reject(new Error('a refused export was begun')),
  write: () => Promise.reject(new Error('a refused export was begun')),
  close: () => Promise.reject(new Error('a refused export was begun')),
}
