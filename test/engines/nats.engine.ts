import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { connect } from '@nats-io/transport-node'
import { scratch } from '../../src/clusters/scratch.test-support.ts'
import { Database } from '../../src/control/database.ts'
import type { RingfenceError } from '../../src/core/errors.ts'
import { natsBell } from '../../src/revocation/nats-bell.ts'
import { natsSchema, type NatsSettings } from '../../src/revocation/nats-settings.ts'
import { PostgresFeed } from '../../src/revocation/postgres-feed.ts'
import { PromptRevocations } from '../../src/revocation/prompt-revocations.ts'
import type { RevocationFollower } from '../../src/revocation/revocation-follower.ts'
import {
  revocable,
  type RevocationSite,
  revocations,
  revocationSite,
  session,
} from '../../src/revocation/revocation-site.test-support.ts'
import { until } from '../../src/core/until.test-support.ts'
import { certificate } from './certificate.ts'
import { PASSWORD, signedUsers, startNats, SUBJECT } from './nats-server.ts'

/** Longer than the test: who learns of something has been rung. */
const NEVER_MS = 600_000

/** One whom the database's notifications do not reach. */
async function follow(
  site: RevocationSite,
  nats: NatsSettings,
  { rings = false, pollMs = NEVER_MS } = {},
) {
  const troubles: RingfenceError[] = []
  const heard = { rings: 0, reads: 0 }
  const bell = natsBell(nats)
  const follower = await site.follow({
    pollMs,
    rings,
    bell: (onRing, onTrouble) =>
      bell(() => {
        heard.rings += 1
        onRing()
      }, onTrouble),
    database: async () => {
      const feed = await PostgresFeed.open(site.settings, () => {})
      return {
        read() {
          heard.reads += 1
          return feed.read()
        },
        close: () => feed.close(),
      }
    },
    onTrouble: (trouble) => troubles.push(trouble),
  })
  await follower.ready()
  return { follower, troubles, heard }
}

/** Publishes as control does: in a transaction of its own database. */
function publisher(t: TestContext, { settings }: RevocationSite, own: RevocationFollower) {
  const { host = '', port = 0, user = '', database = '' } = settings
  const password = typeof settings.password === 'string' ? { password: settings.password } : {}
  const control = new Database({ host, port, user, database, ...password })
  t.after(() => control.close())
  const prompt = new PromptRevocations(revocations, () => own.look())
  return (id: string) => control.transaction((tx) => prompt.publish(tx, session(id)))
}

const knows = (follower: RevocationFollower, id: string) =>
  follower.find(revocable({ session: id })) !== undefined

test('with the database’s notifications cut off for all, followers learn by NATS', async (t) => {
  const site = await revocationSite(t)
  const nats = await startNats(t)
  const own = await follow(site, nats.settings('revokes'), { rings: true })
  const others = [
    await follow(site, nats.settings('follows')),
    await follow(site, nats.settings('follows')),
  ]
  const elsewhere = await follow(site, nats.settings('follows', { prefix: 'ringfence.other' }))
  await until(() => others.every(({ heard }) => heard.rings > 0))
  const publish = publisher(t, site, own.follower)
  for (let n = 0; n < 5; n += 1) {
    await publish(`session-${n}`)
    await until(() => others.every(({ follower }) => knows(follower, `session-${n}`)))
  }
  // They were told by nothing else: who listens to another subject was not.
  assert.equal(knows(elsewhere.follower, 'session-4'), false)
})

test('while NATS is killed everybody looks by itself, and it is heard again when it is back', async (t) => {
  const site = await revocationSite(t)
  const nats = await startNats(t)
  const own = await follow(site, nats.settings('revokes'), { rings: true })
  const looking = await follow(site, nats.settings('follows'), { pollMs: 100 })
  const listening = await follow(site, nats.settings('follows'))
  await until(() => listening.heard.rings > 0)
  const publish = publisher(t, site, own.follower)
  await publish('before')
  await until(() => knows(listening.follower, 'before'))
  await nats.kill()
  await until(() => [own, looking, listening].every(({ troubles }) => troubles.length > 0))
  assert.match(listening.troubles[0]?.message ?? '', /bell/)
  await publish('meanwhile')
  await until(() => knows(looking.follower, 'meanwhile'))
  assert.equal(knows(listening.follower, 'meanwhile'), false)
  assert.ok(looking.follower.known)
  await nats.start()
  // Coming back rings: something may have been missed.
  await until(() => knows(listening.follower, 'meanwhile'))
  // Rung now, or when the one who rings has come back as well.
  await publish('after')
  await until(() => knows(listening.follower, 'after'))
})

test('who only follows cannot ring, a stranger can neither ring nor listen, and both are told', async (t) => {
  const site = await revocationSite(t)
  const nats = await startNats(t)
  const listening = await follow(site, nats.settings('follows'))
  // Rings, as only planes that revoke do, with the user of one that does not.
  const forging = await follow(site, nats.settings('follows'), { rings: true })
  const stranger = await follow(site, nats.settings('stranger'), { rings: true })
  await until(() => listening.heard.rings > 0 && forging.heard.rings > 0)
  await until(() => /Subscription/.test(stranger.troubles[0]?.detail ?? ''))
  const before = listening.heard.rings
  for (const one of [forging, stranger]) {
    const told = one.troubles.length
    await publisher(t, site, one.follower)(`by-${told}`)
    await until(() => one.troubles.length > told)
    assert.match(one.troubles.at(-1)?.detail ?? '', /Permissions Violation for Publish/)
    assert.equal(one.troubles.at(-1)?.code, 'engine_unavailable')
  }
  assert.equal(listening.heard.rings, before)
  const own = await follow(site, nats.settings('revokes'), { rings: true })
  await until(() => own.heard.rings > 0)
  await publisher(t, site, own.follower)('by-one-who-may')
  await until(() => knows(listening.follower, 'by-one-who-may'))
})

test('whatever is sent by whoever may send it takes nothing back, and nearly nothing is read for it', async (t) => {
  const site = await revocationSite(t)
  const nats = await startNats(t)
  const own = await follow(site, nats.settings('revokes'), { rings: true })
  const listening = await follow(site, nats.settings('follows'))
  await until(() => own.heard.rings > 0 && listening.heard.rings > 0)
  const publish = publisher(t, site, own.follower)
  await publish('session-1')
  await until(() => knows(listening.follower, 'session-1'))
  const hostile = await connect({
    servers: `127.0.0.1:${nats.port}`,
    user: 'anybody',
    pass: PASSWORD,
  })
  const began = performance.now()
  const [rings, reads] = [listening.heard.rings, listening.heard.reads]
  const forged = JSON.stringify([{ kind: 'everything', at: Date.now(), until: Date.now() + 1e9 }])
  const nothing = JSON.stringify({ entries: [], snapshot: '1:1:', freshAtMs: Date.now() + 1e9 })
  for (let n = 0; n < 1_000; n += 1) {
    for (const each of [forged, nothing, '', '\0'.repeat(2_000), '{'.repeat(5_000)]) {
      hostile.publish(SUBJECT, each)
    }
    if (n % 100 === 0) await hostile.flush()
  }
  await hostile.drain()
  await until(() => listening.heard.rings === rings + 5_000)
  await publish('session-2')
  await until(() => knows(listening.follower, 'session-2'))
  const most = (performance.now() - began) / 25 + 3
  assert.ok(listening.heard.reads - reads <= most, `${listening.heard.reads - reads} reads`)
  assert.ok(knows(listening.follower, 'session-1'))
  assert.equal(listening.follower.revokes(revocable({ session: 'nobody-revoked-this' })), false)
})

test('over TLS a server is believed by its name and authority, and one without TLS is not', async (t) => {
  const site = await revocationSite(t)
  const directory = scratch(t)
  const [right, wrong] = [
    await certificate(directory, 'right'),
    await certificate(directory, 'wrong'),
  ]
  const secure = await startNats(
    t,
    `tls { cert_file: "${right.caFile}", key_file: "${right.keyFile}" }`,
  )
  const { caFile } = right
  const byName = { servers: [`tls://localhost:${secure.port}`] }
  const own = await follow(site, secure.settings('revokes', { ...byName, caFile }), { rings: true })
  const listening = await follow(site, secure.settings('follows', { ...byName, caFile }))
  await until(() => own.heard.rings > 0 && listening.heard.rings > 0)
  await publisher(t, site, own.follower)('over-tls')
  await until(() => knows(listening.follower, 'over-tls'))
  const plain = await startNats(t)
  const withoutTls = { servers: [`tls://localhost:${plain.port}`], caFile }
  for (const [settings, why] of [
    [secure.settings('follows', { ...byName, caFile: wrong.caFile }), /self-signed certificate/],
    [secure.settings('follows', byName), /self-signed certificate/],
    [secure.settings('follows'), /./],
    [plain.settings('follows', withoutTls), /does not support 'tls'/],
  ] as const) {
    const { heard, troubles } = await follow(site, settings)
    await until(() => troubles.length > 0)
    assert.match(troubles[0]?.detail ?? '', why)
    assert.equal(heard.rings, 0)
  }
})

test('a user is known by what its account has signed, where NATS has that', async (t) => {
  const site = await revocationSite(t)
  const { config, credentialsFile } = signedUsers(t)
  const { port } = await startNats(t, '', config)
  const servers = [`nats://127.0.0.1:${port}`]
  const { heard, troubles } = await follow(site, natsSchema.parse({ servers, credentialsFile }))
  await until(() => heard.rings > 0)
  assert.deepEqual(troubles, [])
  const anonymous = await follow(site, natsSchema.parse({ servers }))
  await until(() => anonymous.troubles.length > 0)
  assert.match(anonymous.troubles[0]?.detail ?? '', /Authorization Violation/)
})

test('a bell that cannot be used says so without a secret, and keeps nobody from serving or closing', async (t) => {
  const site = await revocationSite(t)
  const nats = await startNats(t)
  const passwordFile = `${scratch(t)}/password`
  writeFileSync(passwordFile, 'another-password\n')
  for (const wrong of [
    nats.settings('follows', { servers: ['nats://127.0.0.1:1'] }),
    nats.settings('follows', { passwordFile }),
    nats.settings('follows', { passwordFile: `${passwordFile}.none` }),
    nats.settings('nobody'),
  ]) {
    const { follower, troubles } = await follow(site, wrong)
    await until(() => troubles.length > 0)
    assert.ok(follower.known)
    assert.equal(troubles[0]?.code, 'engine_unavailable')
    const said = troubles.map(({ message, detail }) => `${message} ${detail}`).join()
    assert.ok(!said.includes(PASSWORD) && !said.includes('another-password'), said)
    await follower.close()
  }
})
