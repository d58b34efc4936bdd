import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { RingfenceError } from '../../core/errors.ts'
import { parseSubject } from '../../core/names.ts'
import { PostgresRevocations } from '../../revocation/postgres-revocations.ts'
import {
  type SessionsSite,
  type SiteRealm,
  startSessionsSite,
} from './sessions-site.test-support.ts'

const ALICE = parseSubject('alice')
const revocations = new PostgresRevocations()
let publishing: (() => Promise<void>) | undefined
let site: SessionsSite
let acme: SiteRealm
before(async () => {
  site = await startSessionsSite({
    publisher: {
      async publish(rows, revocation) {
        await revocations.publish(rows, revocation)
        await publishing?.()
      },
    },
  })
  acme = await site.newRealm('acme')
})
after(() => site.stop())

/** Nothing has ended, and nothing says that it has. */
async function nothingHappened(
  one: Awaited<ReturnType<SessionsSite['enter']>>,
  revoked: readonly string[],
): Promise<void> {
  assert.equal(await site.isSignedIn(acme, one.browser), true)
  assert.equal(await site.refreshes(acme, one.refreshToken), true)
  assert.deepEqual(await site.revoked(acme.tenant), revoked)
  assert.equal((await site.sessions.get(acme.tenant, one.sid))?.subject, 'alice')
}

test('a process that is killed in the middle has ended nothing', async () => {
  const one = await site.enter(acme)
  const revoked = await site.revoked(acme.tenant)
  const { id = '' } = (await site.sessions.get(acme.tenant, one.sid)) ?? {}
  const script = fileURLToPath(new URL('end-and-wait.test-support.ts', import.meta.url))
  const child = spawn(
    process.execPath,
    [script, JSON.stringify(site.options.database), acme.tenant, id],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  assert.equal((await lines.next()).value, 'everything but the revocation is done')
  child.kill('SIGKILL')
  await once(child, 'exit')
  await nothingHappened(one, revoked)
})

test('when the revocation cannot be entered nothing has ended, whatever was to end', async () => {
  const one = await site.enter(acme)
  const revoked = await site.revoked(acme.tenant)
  const { tenant } = acme
  publishing = () => Promise.reject(new RingfenceError('engine_unavailable', 'not now'))
  try {
    for (const end of [
      () => site.sessions.endSession(tenant, one.sid),
      () => site.sessions.endDevice(tenant, ALICE, 'Firefox on Windows'),
      () => site.sessions.endSubject(tenant, ALICE),
      () => site.sessions.endClient(tenant, 'app'),
      () => site.sessions.endTenant(tenant),
    ]) {
      await assert.rejects(end, { code: 'engine_unavailable' })
    }
  } finally {
    publishing = undefined
  }
  await nothingHappened(one, revoked)
})

test('the call returns after the revocation was published, and not before', async () => {
  const one = await site.enter(acme)
  const before = await site.revoked(acme.tenant)
  let reached = () => {}
  const atRevocation = new Promise<void>((resolve) => {
    reached = resolve
  })
  let goOn = () => {}
  publishing = () => {
    reached()
    return new Promise((resolve) => {
      goOn = resolve
    })
  }
  let returned = false
  try {
    const ending = site.sessions.endSession(acme.tenant, one.sid).finally(() => {
      returned = true
    })
    await atRevocation
    // Entered, and not committed: nobody can know of it yet.
    assert.deepEqual(await site.revoked(acme.tenant), before)
    assert.equal(returned, false)
    goOn()
    await ending
  } finally {
    publishing = undefined
  }
  assert.deepEqual(await site.revoked(acme.tenant), [...before, `session ${one.sid}`])
})

test('of many who sign in at once no more stay signed in than a user may have', async () => {
  const realm = await site.newRealm('narrow', { session: { most: 2 } })
  const { browser } = await site.enter(realm)
  const payload = await site.payloadOf(realm.tenant, site.cookieOf(browser))
  const { sessions } = site.identity.parts
  await Promise.all(
    Array.from({ length: 6 }, (_, number) =>
      sessions.put(
        { tenant: realm.tenant, model: 'Session', id: `cookie-${number}` },
        { payload: { ...payload, uid: `session-${number}`, authorizations: {} }, seconds: 600 },
      ),
    ),
  )
  assert.equal((await site.sessions.list(realm.tenant, { limit: 10 })).items.length, 2)
})

test('of those who sign in while all are ended nobody stays signed in from before', async () => {
  const realm = await site.newRealm('busy')
  const { browser } = await site.enter(realm)
  const payload = await site.payloadOf(realm.tenant, site.cookieOf(browser))
  const { sessions } = site.identity.parts
  const begin = (number: number) =>
    sessions.put(
      { tenant: realm.tenant, model: 'Session', id: `cookie-${number}` },
      { payload: { ...payload, uid: `session-${number}`, authorizations: {} }, seconds: 600 },
    )
  await Promise.all([
    ...Array.from({ length: 4 }, (_, number) => begin(number)),
    site.sessions.endSubject(realm.tenant, ALICE),
    ...Array.from({ length: 4 }, (_, number) => begin(4 + number)),
  ])
  assert.deepEqual((await site.sessions.list(realm.tenant, { limit: 10 })).items, [])
})

test('realms that are removed while users sign in and others end sessions wait for nobody for ever', async () => {
  const realm = await site.newRealm('crowded')
  const { browser } = await site.enter(realm)
  const payload = await site.payloadOf(realm.tenant, site.cookieOf(browser))
  const { sessions } = site.identity.parts
  const { realms } = site.identity
  const loginTs = Math.floor(Date.now() / 1000) + 60
  for (let round = 0; round < 6; round += 1) {
    const { tenant } = await site.newRealm(`crowded-${round}`)
    const begin = (number: number) =>
      sessions.put(
        { tenant, model: 'Session', id: `cookie-${number}` },
        { payload: { ...payload, loginTs, uid: `${number}`, authorizations: {} }, seconds: 600 },
      )
    const outcomes = await Promise.allSettled([
      begin(1),
      begin(2),
      site.sessions.endTenant(tenant),
      begin(3),
      realms.remove(tenant),
      site.sessions.endSubject(tenant, ALICE),
      begin(4),
    ])
    const reasons = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
    for (const { detail } of reasons) assert.doesNotMatch(String(detail), /deadlock/)
    assert.deepEqual((await site.sessions.list(tenant, { limit: 10 })).items, [])
  }
})

test('what is past is forgotten, and what may still be asked about is not', async () => {
  const realm = await site.newRealm('past')
  const one = await site.enter(realm)
  await site.enter(realm)
  await site.sessions.endSession(realm.tenant, one.sid)
  const count = async () => {
    const { rows } = await site.admin.query<{ count: number }>(
      'select count(*)::int as count from identity.session where tenant = $1',
      [realm.tenant],
    )
    return rows[0]?.count
  }
  await site.identity.maintain()
  assert.equal(await count(), 2)
  await site.admin.query(
    `update identity.session set ended_at = ended_at - interval '25 hours' where tenant = $1`,
    [realm.tenant],
  )
  await site.identity.maintain()
  assert.equal(await count(), 1)
})
