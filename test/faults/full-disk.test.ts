import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { JournalAuditWriter } from '../../src/audit/journal-audit-writer.ts'
import { canMount } from '../../src/clusters/scratch.test-support.ts'
import { until } from '../../src/core/until.test-support.ts'
import { Feed } from '../../src/front-door/house/feed.ts'
import { enteredContract } from '../../src/gateway/audit-attacks.test-support.ts'
import { openDoor, tokenOf } from '../../src/gateway/door.test-support.ts'
import { Journal } from '../../src/journal/journal.ts'
import { linesOf } from '../../src/journal/lines-of.test-support.ts'
import { Shipper } from '../../src/journal/shipper.ts'
import { samplePlatform, sampleTenant, tenantId } from '../../src/snapshot/sample.test-support.ts'
import { SnapshotFollower } from '../../src/snapshot/snapshot-follower.ts'
import { SigningKey } from '../../src/tokens/signing-key.ts'
import { JournalUsageSink } from '../../src/usage/journal-usage-sink.ts'
import { fillUp } from './fill-up.test-support.ts'
import { smallDisk } from './small-disk.test-support.ts'

const SOURCE = '/ringfence/ringfence-gateway/one'
const CALLS = 40

/** What names a line: an event's id, or the request of an entry. */
function requestOf(value: object): string {
  if ('request_id' in value) return String(value.request_id)
  return 'id' in value ? String(value.id) : ''
}

/** What is to be closed before the disk goes, also when a test fails. */
function closing(t: TestContext): (() => Promise<void>)[] {
  const all: (() => Promise<void>)[] = []
  t.after(async () => {
    for (const close of all) await close()
  })
  return all
}

/** More than fits into the room that files have already. */
const bulk = Array.from({ length: 20 }, (_, n) => sampleTenant(`bulk-${n}`))

if (canMount()) {
  test('while the gateway’s disk is full nothing passes that would have to be entered; then it goes on by itself, and nothing is lost or torn', async (t) => {
    const close = closing(t)
    const disk = smallDisk(t, 1)
    const directory = join(disk.path, 'journal')
    const journal = await Journal.open({ directory })
    close.push(() => journal.close())
    const sent: string[] = []
    const shipper = await Shipper.start({
      journal,
      async send({ lines }) {
        sent.push(...lines)
      },
      log: () => {},
      delayMsMax: 20,
    })
    close.unshift(() => shipper.close())
    const door = await openDoor(t, {
      audit: new JournalAuditWriter(journal),
      usage: { sink: new JournalUsageSink(journal), source: SOURCE },
    })
    door.source.change('acme', { contract: enteredContract('all') })
    const call = () => door.ask({ path: '/t/acme/clinic/x', token: tokenOf('acme') })
    const calls = () => Promise.all(Array.from({ length: CALLS }, call))

    assert.ok((await calls()).every(({ status }) => status === 200))
    const passed = door.upstream.seen.length
    disk.fill()
    await fillUp(journal)
    for (const { status, body } of await calls()) {
      assert.equal(status, 503)
      assert.match(body, /the journal cannot be written/)
    }
    assert.equal(door.upstream.seen.length, passed, 'what cannot be entered does not happen')
    assert.equal(journal.writable, false)
    door.source.change('acme', { contract: enteredContract('denied') })
    // What is not entered beforehand is cut off before its end: nobody has an answer that does not count.
    await assert.rejects(call())
    assert.equal(door.upstream.seen.length, passed + 1)
    door.source.change('acme', { contract: enteredContract('all') })
    disk.free()
    assert.ok((await calls()).every(({ status }) => status === 200))
    assert.equal(journal.writable, true)

    await until(async () => (await shipper.lag()).bytes === 0)
    await shipper.close()
    await journal.close()
    const lines = linesOf(directory).filter(({ kind }) => kind === 'audit' || kind === 'usage')
    assert.equal(door.upstream.seen.length, 2 * CALLS + 1)
    for (const kind of ['audit', 'usage']) {
      const known = lines.filter((line) => line.kind === kind).map(({ value }) => requestOf(value))
      assert.equal(new Set(known).size, 2 * CALLS)
      assert.equal(known.length, 2 * CALLS, `each ${kind} once`)
    }
    assert.equal(new Set(sent).size, lines.length, 'all that is on the disk was sent on')
  })

  test('a tenant that is suspended while the disk is full is served no more, and neither is the next', async (t) => {
    const close = closing(t)
    const disk = smallDisk(t, 1)
    const key = await SigningKey.create('EdDSA')
    const feed = new Feed(key)
    const [acme, globex] = ['acme', 'globex'].map(tenantId)
    assert.ok(acme !== undefined && globex !== undefined)
    await feed.publish({
      platform: samplePlatform,
      tenants: [sampleTenant('acme'), sampleTenant('globex')],
    })
    const directory = join(disk.path, 'snapshot')
    const troubles: string[] = []
    const follow = async () => {
      const follower = await SnapshotFollower.open({
        ...{ directory, keys: [key.publicJwk], database: feed.store, pollMs: 10 },
        onTrouble: ({ code }) => troubles.push(code),
      })
      close.push(() => follower.close())
      return follower
    }
    const follower = await follow()
    await follower.ready()
    const statusOf = (id: typeof acme) => follower.current().tenant(id)?.status
    const suspended = async (name: 'acme' | 'globex', id: typeof acme) => {
      await feed.publish({ tenants: [sampleTenant(name, { status: 'suspended' }), ...bulk] })
      await until(() => statusOf(id) === 'suspended')
    }
    disk.fill()
    await suspended('acme', acme)
    await until(() => troubles.includes('disk_full'))
    await suspended('globex', globex)
    const at = new Date(Date.now() + 60_000)
    await feed.confirm(at)
    await until(() => follower.current().confirmedAt.getTime() === at.getTime())
    disk.free()
    const version = await feed.publish({ tenants: [sampleTenant('initech')] })
    await until(() => follower.current().version === version)
    await follower.close()
    const again = await follow()
    assert.equal(again.current().version, version)
    assert.equal(again.current().tenant(globex)?.status, 'suspended')
  })
}
