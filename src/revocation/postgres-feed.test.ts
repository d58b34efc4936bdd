import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { until } from '../core/until.test-support.ts'
import { PostgresFeed } from './postgres-feed.ts'
import { ACME, ANN, revocations, revocationSite, session } from './revocation-site.test-support.ts'

async function openFeed(t: TestContext) {
  const site = await revocationSite(t)
  let rings = 0
  const feed = await PostgresFeed.open(site.settings, () => {
    rings += 1
  })
  t.after(() => feed.close())
  const read = async () =>
    (await feed.read()).map(({ revocation }) =>
      'id' in revocation ? revocation.id : revocation.kind,
    )
  return { site, feed, read, rings: () => rings }
}

test('a feed reads all that is kept, then each revocation once, and is told of news', async (t) => {
  const { site, read, rings } = await openFeed(t)
  await site.publish(session('before'))
  assert.deepEqual(await read(), ['before'])
  assert.deepEqual(await read(), [])
  const heard = rings()
  await site.publish(session('after'))
  await until(() => rings() > heard)
  assert.deepEqual(await read(), ['after'])
  assert.deepEqual(await read(), [])
})

test('every kind comes as it was published', async (t) => {
  const { site, feed } = await openFeed(t)
  const at = new Date()
  const published = [
    { kind: 'token', tenant: ACME, id: 't', at },
    { kind: 'session', tenant: ACME, id: "s'; drop schema revocation cascade; --", at },
    { kind: 'subject', tenant: ACME, id: ANN, at },
    { kind: 'client', tenant: ACME, id: 'c', at },
    { kind: 'tenant', tenant: ACME, at },
    { kind: 'everything', at },
  ] as const
  for (const one of published) await site.publish(one)
  assert.deepEqual(
    (await feed.read()).map(({ revocation }) => revocation),
    published,
  )
})

test('a transaction that commits late is not lost behind one that began later', async (t) => {
  const { site, read } = await openFeed(t)
  const [early, late] = [await site.connect(), await site.connect()]
  await early.query('begin')
  await revocations.publish(early, session('first-entered'))
  await late.query('begin')
  await revocations.publish(late, session('second-entered'))
  assert.deepEqual(await read(), [])
  await late.query('commit')
  assert.deepEqual(await read(), ['second-entered'])
  await site.publish(session('third'))
  assert.deepEqual(await read(), ['third'])
  await early.query('commit')
  assert.deepEqual(await read(), ['first-entered'])
  assert.deepEqual(await read(), [])
})

test('a revocation inside a savepoint comes with its transaction', async (t) => {
  const { site, read } = await openFeed(t)
  const client = await site.connect()
  await client.query('begin')
  await client.query('savepoint one')
  await revocations.publish(client, session('inner'))
  await client.query('release savepoint one')
  await client.query('savepoint two')
  await revocations.publish(client, session('undone'))
  await client.query('rollback to savepoint two')
  assert.deepEqual(await read(), [])
  await client.query('commit')
  assert.deepEqual(await read(), ['inner'])
})

test('writers of any number at once lose nothing and repeat nothing', async (t) => {
  const { site, read } = await openFeed(t)
  const clients = await Promise.all(Array.from({ length: 6 }, () => site.connect()))
  const seen: string[] = []
  const state = { writing: true }
  const reading = (async () => {
    while (state.writing) seen.push(...(await read()))
    seen.push(...(await read()))
  })()
  await Promise.all(
    clients.map(async (client, writer) => {
      for (let n = 0; n < 25; n += 1) {
        await client.query('begin')
        await revocations.publish(client, session(`${writer}-${n}`))
        if (n % 3 === 0) await client.query('select pg_sleep(0.002)')
        await client.query(n % 5 === 4 ? 'rollback' : 'commit')
      }
    }),
  )
  state.writing = false
  await reading
  const wanted = clients.flatMap((_, writer) =>
    Array.from({ length: 25 }, (_, n) => n)
      .filter((n) => n % 5 !== 4)
      .map((n) => `${writer}-${n}`),
  )
  assert.deepEqual(seen.toSorted(), wanted.toSorted())
})

test('what does not commit was never there', async (t) => {
  const { site, read } = await openFeed(t)
  const client = await site.connect()
  await client.query('begin')
  await revocations.publish(client, session('undone'))
  await client.query('rollback')
  assert.deepEqual(await read(), [])
})

test('a time to come is refused: it would void what is not issued yet', async (t) => {
  const site = await revocationSite(t)
  for (const at of [new Date(Date.now() + 60_000), new Date(Number.NaN)]) {
    await assert.rejects(site.publish({ kind: 'everything', at }), { code: 'invalid_argument' })
  }
})

test('only what has expired is forgotten', async (t) => {
  const site = await revocationSite(t)
  await site.publish(session('old'))
  await site.client.query(`update revocation.entry set expires_at = now() - interval '1 second'`)
  await site.publish(session('new'))
  await revocations.forgetExpired(site.client)
  const { rows } = await site.client.query<{ id: string }>('select id from revocation.entry')
  assert.deepEqual(rows, [{ id: 'new' }])
})
