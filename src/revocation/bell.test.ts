import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../snapshot/control-database.test-support.ts'
import type { OpenBell } from './bell.ts'
import { natsSchema } from './nats-settings.ts'
import { PostgresFeed } from './postgres-feed.ts'
import { revocable, revocationSite, session } from './revocation-site.test-support.ts'

const NEVER_MS = 600_000

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
    database: () => PostgresFeed.open(site.settings, () => {}),
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

test('settings of another form are refused', () => {
  for (const change of [
    { servers: [] },
    { servers: ['http://nats.example'] },
    { servers: ['nats.example:4222'] },
    { subject: '>' },
    { subject: 'a.*' },
    { subject: 'a b' },
    { password: 'in plain text' },
  ]) {
    const settings = { servers: ['nats://nats.example:4222'], ...change }
    assert.equal(natsSchema.safeParse(settings).success, false, JSON.stringify(change))
  }
})
