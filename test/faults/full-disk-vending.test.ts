import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { canMount } from '../../src/clusters/scratch.test-support.ts'
import { until } from '../../src/core/until.test-support.ts'
import { Journal } from '../../src/journal/journal.ts'
import { linesOf } from '../../src/journal/lines-of.test-support.ts'
import {
  ask,
  contextOf,
  type Given,
  openWorld,
  readJournal,
} from '../../src/vending/world.test-support.ts'
import { fillUp } from './fill-up.test-support.ts'
import { smallDisk } from './small-disk.test-support.ts'

const SOURCE = '/ringfence/vending/v1'
const TENANTS = ['acme', 'globex', 'umbrella'] as const
const CALLS = 40

if (canMount()) {
  test('while vending’s disk is full no lease leaves, none is left open, and those that are out are ended as ever; then it goes on by itself', async (t) => {
    // Before the disk goes, also when the test fails.
    const closing: (() => Promise<void>)[] = []
    const close = async () => {
      for (const one of closing.splice(0)) await one()
    }
    t.after(close)
    const disk = smallDisk(t, 1)
    const directory = join(disk.path, 'journal')
    const journal = await Journal.open({ directory, tryAgainMs: 20 })
    const world = await openWorld({ journal, usageSource: SOURCE })
    const { leaser, vending } = world
    closing.push(
      () => world.close(),
      () => journal.close(),
    )
    const told: Given[] = []
    const isReady = async () => (await vending.app.request('/readyz')).status === 200
    const leaseFor = async (tenant: string) => {
      const response = await ask(world, { fields: { subject_token: await contextOf(tenant) } })
      const text = await response.text()
      if (response.status === 200) told.push(JSON.parse(text) as Given)
      else assert.doesNotMatch(text, /lease_id|access_token|data/)
      return response.status
    }
    const calls = () =>
      Promise.all(
        Array.from({ length: CALLS }, (_, n) => leaseFor(TENANTS[n % TENANTS.length] ?? '')),
      )

    assert.equal(await leaseFor('acme'), 200)
    assert.equal(await leaseFor('globex'), 200)
    const [ofAcme, ofGlobex] = told
    disk.fill()
    await fillUp(journal)

    await t.test('nothing is opened at an engine that could not be written down', async () => {
      const opened = leaser.records.length
      assert.deepEqual(new Set(await calls()), new Set([503]))
      assert.equal(leaser.records.length, opened)
      assert.equal(await isReady(), false)
    })

    await t.test('a lease that is revoked is ended, though nobody is answered', async () => {
      const fields = { lease_id: ofAcme?.lease_id ?? '' }
      assert.equal((await ask(world, { path: '/v1/leases/revoke', fields })).status, 503)
      assert.deepEqual(leaser.live('acme'), [])
    })

    await t.test('and so are those of a tenant that is suspended', async () => {
      assert.equal(leaser.live('globex')[0]?.lease_id, ofGlobex?.lease_id)
      world.configuration.change('globex', { status: 'suspended' })
      await vending.settled()
      assert.deepEqual(leaser.live('globex'), [])
      world.configuration.change('globex', { status: 'active' })
    })

    await t.test(
      'what was opened as the disk became full is ended, and nobody had it',
      async () => {
        disk.free()
        await until(isReady)
        const gate = Promise.withResolvers<void>()
        leaser.gate = gate.promise
        const under = leaseFor('acme')
        await until(() => leaser.waiting > 0)
        disk.fill()
        await fillUp(journal)
        gate.resolve()
        assert.equal(await under, 503)
        await vending.settled()
        assert.deepEqual(leaser.live(), [])
      },
    )

    disk.free()
    await until(isReady)
    assert.deepEqual(new Set(await calls()), new Set([200]))
    const ids = new Set(told.map(({ lease_id }) => lease_id))
    const own = readJournal(directory)
    assert.deepEqual(
      new Set(own.filter(({ act }) => act === 'grant').map(({ lease_id }) => lease_id)),
      ids,
      'each lease that left is written down, and no other',
    )
    const used = linesOf(directory).flatMap(({ kind, value }) =>
      kind === 'usage' && 'id' in value ? [String(value.id)] : [],
    )
    assert.deepEqual(used.toSorted(), [...ids].toSorted(), 'and each is used once')
    await close()
  })
}
