import assert from 'node:assert/strict'
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { type TestContext, test } from 'node:test'
import { scratch } from '../clusters/scratch.test-support.ts'
import type { RingfenceError } from '../core/errors.ts'
import { until } from '../core/until.test-support.ts'
import { type Entry, KEPT_SECONDS } from './entry.ts'
import type { OpenRevocationFeed } from './revocation-feed.ts'
import { RevocationFile } from './revocation-file.ts'
import { RevocationFollower, type RevocationFollowerOptions } from './revocation-follower.ts'
import { GLOBEX, revocable, revocationSite, session } from './revocation-site.test-support.ts'
import type { Revocation } from './revocation.ts'

const AWAY = { host: '127.0.0.1', port: 1, user: 'nobody', database: 'none' }
const unknown = { code: 'revocations_unknown' }
const entry = (revocation: Revocation): Entry => ({
  revocation,
  untilMs: Date.now() + KEPT_SECONDS * 1000,
})

/** A follower of a feed that the test can break. */
async function follow(t: TestContext, options: Partial<RevocationFollowerOptions> = {}) {
  const state = { kept: [] as Entry[], away: false }
  const listeners = new Set<() => void>()
  const open: OpenRevocationFeed = async (onNews) => {
    if (state.away) throw new Error('away')
    listeners.add(onNews)
    let read = 0
    return {
      async read() {
        if (state.away) throw new Error('away')
        const news = state.kept.slice(read)
        read = state.kept.length
        return news
      },
      close: async () => void listeners.delete(onNews),
    }
  }
  const troubles: RingfenceError[] = []
  const directory = options.directory ?? `${scratch(t)}/revocations`
  const follower = await RevocationFollower.open({
    directory,
    database: open,
    pollMs: 20,
    onTrouble: (trouble) => troubles.push(trouble),
    ...options,
  })
  t.after(() => follower.close())
  return {
    follower,
    directory,
    troubles,
    state,
    publish: (revocation: Revocation) => {
      state.kept.push(entry(revocation))
      for (const listener of listeners) listener()
    },
  }
}

test('a follower knows nothing, and says so, until it has read all', async (t) => {
  const { follower } = await follow(t, { database: AWAY })
  assert.equal(follower.known, false)
  assert.throws(() => follower.revokes(revocable()), unknown)
})

test('what is revoked is revoked for whom it is about, and for nobody else', async (t) => {
  const site = await revocationSite(t)
  const follower = await site.follow()
  await follower.ready()
  assert.equal(follower.revokes(revocable()), false)
  await site.publish(session('session-1'))
  await until(() => follower.revokes(revocable()))
  assert.equal(follower.find(revocable()), 'session')
  assert.equal(follower.revokes(revocable({ session: 'session-2' })), false)
  assert.equal(follower.revokes(revocable({ tenant: GLOBEX })), false)
})

test('listeners are told once, after it is in force, and one that fails harms nobody', async (t) => {
  const { follower, publish, troubles } = await follow(t)
  await follower.ready()
  const told: string[] = []
  follower.onNews(() => {
    throw new Error('a listener’s own trouble')
  })
  follower.onNews((news) => {
    assert.ok(follower.revokes(revocable()))
    told.push(...news.map(({ kind }) => kind))
  })
  publish(session('session-1'))
  await until(() => told.length > 0)
  publish(session('session-1'))
  publish({ kind: 'everything', at: new Date() })
  await until(() => told.includes('everything'))
  assert.deepEqual(told, ['session', 'everything'])
  assert.equal(troubles[0]?.code, 'internal')
})

test('without the database it goes on, says so once, and denies once its knowledge is too old', async (t) => {
  const { follower, state, publish, troubles } = await follow(t, { limitSeconds: 1 })
  publish(session('session-1'))
  await until(() => follower.find(revocable()) !== undefined)
  state.away = true
  await until(() => troubles.length > 0)
  assert.equal(follower.revokes(revocable({ session: 'other' })), false)
  await until(() => !follower.known)
  assert.throws(() => follower.revokes(revocable({ session: 'other' })), unknown)
  assert.throws(() => follower.revokes(revocable()), unknown)
  // What was revoked can still be told for what is not a request.
  assert.equal(follower.find(revocable()), 'session')
  assert.equal(troubles.length, 1)
  state.away = false
  await until(() => follower.known)
  assert.equal(follower.revokes(revocable({ session: 'other' })), false)
  state.away = true
  await until(() => troubles.length > 1)
})

test('a database that stands still is one that is away', async (t) => {
  let standing = false
  let ended = () => {}
  const { follower } = await follow(t, {
    limitSeconds: 1,
    database: async () => ({
      // As a client does whose connection is ended while it waits for an answer.
      read: () =>
        standing
          ? new Promise((_, reject) => {
              ended = () => reject(new Error('ended'))
            })
          : Promise.resolve([]),
      close: async () => ended(),
    }),
  })
  await follower.ready()
  standing = true
  await until(() => !follower.known)
  assert.throws(() => follower.revokes(revocable()), unknown)
})

test('a real database that stops and comes back: served within the limit, denied past it, served again', async (t) => {
  const site = await revocationSite(t)
  const follower = await site.follow({ limitSeconds: 1, pollMs: 50 })
  await follower.ready()
  const admin = await site.connect()
  await admin.query(
    `update pg_database set datallowconn = false where datname = current_database()`,
  )
  await admin.query(`select pg_terminate_backend(pid) from pg_stat_activity
    where application_name = 'ringfence revocation' and datname = current_database()`)
  await until(() => !follower.known)
  assert.throws(() => follower.revokes(revocable()), unknown)
  // What is revoked while nobody can listen is not missed.
  await site.publish(session('session-1'))
  await admin.query(`update pg_database set datallowconn = true where datname = current_database()`)
  await until(() => follower.known)
  assert.equal(follower.revokes(revocable()), true)
})

test('what it knew survives a restart without the database, as old as it is', async (t) => {
  const first = await follow(t)
  first.publish(session('session-1'))
  await until(() => first.follower.find(revocable()) !== undefined)
  await first.follower.close()
  const { follower } = await follow(t, { directory: first.directory, database: AWAY })
  assert.equal(follower.revokes(revocable()), true)
  assert.equal(follower.revokes(revocable({ session: 'other' })), false)
  await follower.close()
  const late = await follow(t, { directory: first.directory, database: AWAY, limitSeconds: 0 })
  assert.throws(() => late.follower.revokes(revocable()), unknown)
})

test('an old file put in place of a newer one is as old as it says', async (t) => {
  const directory = `${scratch(t)}/revocations`
  const first = await follow(t, { directory })
  await first.follower.ready()
  await first.follower.close()
  const file = new RevocationFile(directory)
  const kept = await file.read()
  assert.ok(kept)
  await file.write({ ...kept, freshAtMs: Date.now() - 301_000 })
  const { follower } = await follow(t, { directory, database: AWAY })
  assert.throws(() => follower.revokes(revocable()), unknown)
})

test('a file from the future says nothing', async (t) => {
  const directory = `${scratch(t)}/revocations`
  await (await follow(t, { directory })).follower.close()
  await new RevocationFile(directory).write({ entries: [], freshAtMs: Date.now() + 60_000 })
  const { follower } = await follow(t, { directory, database: AWAY })
  assert.throws(() => follower.revokes(revocable()), unknown)
})

const damages: Readonly<Record<string, (text: string) => string>> = {
  'cut off': (text) => text.slice(0, -20),
  emptied: () => '',
  'of another kind': () => '{"version":1}\n',
  'with a letter changed': (text) => text.replace('session-1', 'session-2'),
  'without its revocations': (text) => text.replace(/"entries":\[.*\]/, '"entries":[]'),
  'made younger': (text) => text.replace(/"freshAt":\d+/, `"freshAt":${Date.now()}`),
  'with more at its end': (text) => `${text}{}\n`,
}
for (const [what, damage] of Object.entries(damages)) {
  test(`a file that is ${what} is put aside, and nobody is served until the database has told`, async (t) => {
    const first = await follow(t)
    first.publish(session('session-1'))
    await until(() => first.follower.find(revocable()) !== undefined)
    await first.follower.close()
    const path = `${first.directory}/revocations.json`
    await writeFile(path, damage(await readFile(path, 'utf8')))
    const again = await follow(t, { directory: first.directory, database: AWAY })
    assert.throws(() => again.follower.revokes(revocable()), unknown)
    assert.equal(again.troubles[0]?.code, 'revocations_unknown')
    assert.ok(await stat(`${path}.refused`))
    await again.follower.close()
    const mended = await follow(t, { directory: first.directory })
    await mended.follower.ready()
    assert.equal(mended.follower.revokes(revocable({ session: 'other' })), false)
  })
}

test('any text at all in the file’s place is refused, and never ends the process', async (t) => {
  const directory = `${scratch(t)}/revocations`
  await (await follow(t, { directory })).follower.close()
  for (const text of ['\0', '\n\n', 'null', `${'0'.repeat(64)}\n{}\n`, '{"entries":[]}\n']) {
    await writeFile(`${directory}/revocations.json`, text)
    const { follower } = await follow(t, { directory, database: AWAY })
    assert.throws(() => follower.revokes(revocable()), unknown, JSON.stringify(text))
    await follower.close()
  }
})

test('a disk that takes nothing keeps no revocation from being in force', async (t) => {
  const directory = `${scratch(t)}/revocations`
  const { follower, publish, troubles } = await follow(t, { directory })
  await follower.ready()
  // In the draft's place something that no file can be written over. It may be writing just now.
  await rm(directory, { recursive: true, maxRetries: 20, retryDelay: 5 })
  await writeFile(directory, '')
  publish(session('session-1'))
  await until(() => follower.find(revocable()) !== undefined)
  await until(() => troubles.some(({ code }) => code === 'not_writable'))
  assert.equal(follower.revokes(revocable()), true)
  await rm(directory)
  await mkdir(directory)
  await follower.close()
  assert.ok(await stat(`${directory}/revocations.json`))
})
