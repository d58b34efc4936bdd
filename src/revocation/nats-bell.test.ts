import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { RingfenceError } from '../core/errors.ts'
import { until } from '../core/until.test-support.ts'
import { natsBell } from './nats-bell.ts'
import type { OpenNatsLink } from './nats-link.ts'
import { natsSchema } from './nats-settings.ts'

const settings = natsSchema.parse({ servers: ['tls://one.example', 'tls://two.example'] })

/** A NATS that the test can break: it loses what is sent while it is away. */
function natsHere() {
  const state = { away: false, servers: [] as string[], times: 1 }
  const links = new Set<{ hear: () => void; end: (error?: Error) => void }>()
  const openLink: OpenNatsLink = async (_settings, server, onRefused) => {
    state.servers.push(server)
    if (state.away) throw new Error('connection refused')
    let end: (error?: Error) => void = () => {}
    const ended = new Promise<unknown>((resolve) => (end = resolve))
    const link = { hear: () => {}, end }
    links.add(link)
    return {
      send(subject) {
        assert.equal(subject, 'ringfence.revocations')
        if (!links.has(link)) throw new Error('closed')
        if (state.times === 0) onRefused(new Error('Permissions Violation for Publish'))
        for (let n = 0; n < state.times; n += 1) for (const { hear } of links) hear()
      },
      hear: async (_subject, onMessage) => void (link.hear = onMessage),
      ended,
      async close() {
        links.delete(link)
        end()
      },
    }
  }
  return {
    state,
    links,
    openLink,
    stop() {
      state.away = true
      for (const link of links) link.end(new Error('the server went away'))
      links.clear()
    },
  }
}

/** A bell that counts. */
function hang(t: TestContext, { openLink }: { readonly openLink: OpenNatsLink }) {
  const heard = { rings: 0 }
  const troubles: RingfenceError[] = []
  const bell = natsBell(settings, openLink)(
    () => (heard.rings += 1),
    (trouble) => troubles.push(trouble),
  )
  t.after(() => bell.close())
  return { bell, heard, troubles }
}

test('a ring is heard by all, and whoever begins to listen looks: it may have missed one', async (t) => {
  const nats = natsHere()
  const [one, two] = [hang(t, nats), hang(t, nats)]
  await until(() => one.heard.rings === 1 && two.heard.rings === 1)
  one.bell.ring()
  assert.deepEqual([one.heard.rings, two.heard.rings], [2, 2])
  nats.state.times = 3
  two.bell.ring()
  assert.deepEqual([one.heard.rings, two.heard.rings], [5, 5])
})

test('while it is away nothing fails, every server is tried, and coming back rings', async (t) => {
  const nats = natsHere()
  const { bell, heard, troubles } = hang(t, nats)
  await until(() => heard.rings === 1)
  nats.stop()
  bell.ring()
  await until(() => nats.links.size === 0 && troubles.length > 0)
  assert.equal(troubles[0]?.detail, 'the server went away')
  for (let n = 0; n < 1_000; n += 1) bell.ring()
  assert.equal(heard.rings, 1)
  await until(() => new Set(nats.state.servers).size === 2 && troubles.length > 1)
  nats.state.away = false
  // Once for what may have been missed, and once for all that could not be rung.
  await until(() => heard.rings === 3)
  bell.ring()
  assert.equal(heard.rings, 4)
})

test('what is not permitted is said', async (t) => {
  const nats = natsHere()
  const { bell, heard, troubles } = hang(t, nats)
  await until(() => heard.rings === 1)
  nats.state.times = 0
  bell.ring()
  assert.equal(troubles[0]?.detail, 'Permissions Violation for Publish')
})

test('closed while it waits, or while it connects, it leaves nothing behind', async (t) => {
  const nats = natsHere()
  nats.state.away = true
  const waiting = hang(t, nats)
  await until(() => waiting.troubles.length > 0)
  await waiting.bell.close()
  const tried = nats.state.servers.length
  nats.state.away = false
  let connect = () => {}
  const later = new Promise<void>((resolve) => (connect = resolve))
  const slow: OpenNatsLink = async (...options) => {
    await later
    return nats.openLink(...options)
  }
  const connecting = hang(t, { openLink: slow })
  await connecting.bell.close()
  connect()
  await until(() => nats.state.servers.length === tried + 1 && nats.links.size === 0)
  assert.equal(connecting.heard.rings, 0)
})
