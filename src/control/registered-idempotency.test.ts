import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  type ControlSite,
  erin,
  fillCatalogue,
  jane,
  request,
  startControlSite,
} from './control-site.test-support.ts'
import type { OpenControlPlane } from './open-control-plane.ts'

let site: ControlSite
let plane: OpenControlPlane

before(async () => {
  site = await startControlSite()
  plane = await site.open()
  await fillCatalogue(plane)
})
after(() => site?.stop())

function counted() {
  let runs = 0
  return {
    work: async () => ({ status: 200, body: `run ${(runs += 1)}`, headers: { etag: '"1"' } }),
    runs: () => runs,
  }
}

test('a repeat gets the first outcome, and the work is done once', async () => {
  const { work, runs } = counted()
  const first = await plane.idempotency.once(jane, 'one', 'POST /x', work)
  const again = await plane.idempotency.once(jane, 'one', 'POST /x', work)
  assert.deepEqual(first, { status: 200, body: 'run 1', headers: { etag: '"1"' }, repeated: false })
  assert.deepEqual(again, { ...first, repeated: true })
  assert.equal(runs(), 1)
})

test('the same key with another request is refused', async () => {
  const { work, runs } = counted()
  await plane.idempotency.once(jane, 'two', 'POST /x', work)
  await assert.rejects(plane.idempotency.once(jane, 'two', 'POST /y', work), {
    code: 'idempotency_key_reused',
  })
  assert.equal(runs(), 1)
})

test("one actor's key is nothing to another", async () => {
  const { work, runs } = counted()
  await plane.idempotency.once(jane, 'three', 'POST /x', work)
  const other = await plane.idempotency.once(erin, 'three', 'POST /y', work)
  assert.equal(other.repeated, false)
  assert.equal(runs(), 2)
})

test('while the first call is under way a second one waits for nothing and changes nothing', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const { work, runs } = counted()
  const first = plane.idempotency.once(jane, 'four', 'POST /x', async () => {
    resolve()
    await assert.rejects(plane.idempotency.once(jane, 'four', 'POST /x', work), {
      code: 'conflict',
    })
    return work()
  })
  await promise
  await first
  assert.equal(runs(), 1)
})

test('a refusal is no outcome: the key may try again', async () => {
  const { work } = counted()
  await assert.rejects(
    plane.idempotency.once(jane, 'five', 'POST /x', async () => {
      throw new TypeError('refused')
    }),
    TypeError,
  )
  assert.equal((await plane.idempotency.once(jane, 'five', 'POST /x', work)).repeated, false)
})

test('a call whose process died after its change finds what it did, and does it once', async () => {
  const work = async () => {
    const { id } = await plane.tenants.create(request('acme'), jane)
    return { status: 202, body: id, headers: {} }
  }
  const first = await plane.idempotency.once(jane, 'six', 'POST /v1/tenants', work)
  await site.ask('update registry.idempotency set answer = null, lease_until = now()')
  const again = await plane.idempotency.once(jane, 'six', 'POST /v1/tenants', work)
  assert.equal(again.body, first.body)
  assert.equal((await plane.workflows.list({}, { limit: 10 })).items.length, 1)
})
