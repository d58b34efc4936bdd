import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scratch } from '../clusters/scratch.test-support.ts'
import { AfterCommit } from '../core/after-commit.ts'
import { until } from '../core/until.test-support.ts'
import type { OpenBell } from './bell.ts'
import { PostgresFeed } from './postgres-feed.ts'
import { PromptRevocations } from './prompt-revocations.ts'
import { RevocationFollower } from './revocation-follower.ts'
import {
  revocable,
  type RevocationSite,
  revocations,
  revocationSite,
  session,
} from './revocation-site.test-support.ts'

const NEVER_MS = 600_000

/** To whom the database's notifications do not get through. */
const deafTo = (site: RevocationSite) => () => PostgresFeed.open(site.settings, () => {})

/** A bell in this process. */
function bellHere() {
  const listeners = new Set<() => void>()
  let rings = 0
  const ring = () => {
    rings += 1
    for (const listener of listeners) listener()
  }
  const open: OpenBell = (onRing) => {
    listeners.add(onRing)
    return { ring, close: async () => void listeners.delete(onRing) }
  }
  return { open, ring, rings: () => rings }
}

test('who learns of something by the database rings for who does not, once', async (t) => {
  const site = await revocationSite(t)
  const bell = bellHere()
  const deaf = await site.follow({
    database: deafTo(site),
    bell: bell.open,
    pollMs: NEVER_MS,
  })
  const ringer = await site.follow({ bell: bell.open, rings: true })
  await Promise.all([deaf.ready(), ringer.ready()])
  await site.publish(session('session-1'))
  await until(() => deaf.find(revocable()) !== undefined)
  assert.equal(bell.rings(), 1)
})

test('whoever rings without end makes nobody miss anything, and nobody ring back', async (t) => {
  const site = await revocationSite(t)
  const bell = bellHere()
  const follower = await site.follow({ bell: bell.open, rings: true })
  await follower.ready()
  const ringing = setInterval(() => bell.ring(), 0)
  t.after(() => clearInterval(ringing))
  await site.publish(session('session-1'))
  await until(() => follower.find(revocable()) !== undefined)
  assert.ok(follower.known)
})

test('a publisher that is not notified looks when it has committed, and rings then', async (t) => {
  const site = await revocationSite(t)
  const bell = bellHere()
  const open = { bell: bell.open, database: deafTo(site), pollMs: NEVER_MS }
  const [own, other] = [await site.follow({ ...open, rings: true }), await site.follow(open)]
  await Promise.all([own.ready(), other.ready()])
  const publisher = new PromptRevocations(revocations, () => own.look())
  const client = await site.connect()
  const after = new AfterCommit()
  const tx = { query: client.query.bind(client), afterCommit: after.add }
  await client.query('begin')
  await publisher.publish(tx, session('session-1'))
  assert.equal(own.find(revocable()), undefined)
  await client.query('commit')
  after.run()
  await until(() => other.find(revocable()) !== undefined)
  // A statement outside a transaction has committed when it is done.
  await publisher.publish(client, session('session-2'))
  await until(() => other.find(revocable({ session: 'session-2' })) !== undefined)
})

test('whoever rings without end makes nobody read without end, nor ask for a database that is away', async (t) => {
  const bell = bellHere()
  const count = { reads: 0, opened: 0 }
  const follower = await RevocationFollower.open({
    directory: `${scratch(t)}/revocations`,
    bell: bell.open,
    pollMs: NEVER_MS,
    database: async () => {
      count.opened += 1
      if (count.opened > 1) throw new Error('away')
      return {
        async read() {
          count.reads += 1
          if (count.reads > 5) throw new Error('away')
          return []
        },
        close: async () => {},
      }
    },
  })
  t.after(() => follower.close())
  await follower.ready()
  for (let n = 0; n < 50_000; n += 1) bell.ring()
  // The first at once, and one for all that came until it was done.
  await until(() => count.reads === 2 || count.reads === 3)
  const ringing = setInterval(() => bell.ring(), 0)
  t.after(() => clearInterval(ringing))
  await until(() => count.opened > 1)
  const before = bell.rings()
  await until(() => bell.rings() > before + 100)
  // Each try waits longer than the one before; a ring in between changes nothing of it.
  assert.ok(count.opened * 5 < bell.rings() - before, `${count.opened} tries`)
})
