import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Tier } from '../../../core/tenant.ts'
import { startTestSite, tenant, type TestSite } from '../test-site.test-support.ts'
import { BOOKS, contents, fill } from './move.test-support.ts'

let place: TestSite

before(async () => {
  place = await startTestSite({ application: BOOKS, bridges: true })
  await place.provision('other')
  await fill(await place.login('other'), 20)
})
after(() => place?.stop())

const ACME = tenant('acme')
const wide = async () =>
  (await place.boundary.inspect()).filter((one) => !/^pg-(setting|server)-/.test(one.rule))

/** Every direction between two tiers, in one journey. */
const JOURNEY: readonly Tier[] = ['bridge', 'silo', 'pooled', 'silo', 'bridge', 'pooled']

test('a tenant at work goes through every direction and keeps every row, and its numbers go on', async () => {
  await place.provision('acme')
  await fill(await place.login('acme'))
  const others = await contents(place, 'other')
  let from: Tier = 'pooled'
  for (const to of JOURNEY) {
    const client = await place.login('acme')
    const started = await place.boundary.prepareMove(ACME, to)
    assert.deepEqual([started.from, started.to], [from, to])
    assert.deepEqual(await wide(), [], `something is wide open on the way to ${to}`)
    await work(client, `from ${from} on the way to ${to}`)
    await place.boundary.catchUp(ACME)
    await work(client, `from ${from} closer to ${to}`)
    const before = await contents(place, 'acme')
    const { verified } = await place.boundary.cutOver(ACME)
    assert.deepEqual(await contents(place, 'acme'), before, `${from} to ${to}`)
    assert.deepEqual(
      verified.map(({ item, count }) => [item, count]),
      ['account', 'day', 'entry', 'history', 'legacy', 'special', 'ticket'].map((table) => [
        table,
        before[table]?.length,
      ]),
    )
    await assert.rejects(client.query('select 1'))
    const { probes } = await place.boundary.finishMove(ACME)
    assert.ok(probes.every(({ found }) => found === 0))
    // Numbers that were given out are not given out again.
    const fresh = await place.login('acme')
    await fresh.query(`insert into books.entry (body) values ('after')`)
    await fresh.query(`insert into books.ticket (body) values ('after')`)
    const { rows } = await fresh.query<{ upper: string }>(
      `select "Upper" as upper from books.account where name = 'name 100'`,
    )
    assert.equal(rows[0]?.upper, 'NAME 100')
    from = to
  }
  assert.deepEqual(await contents(place, 'other'), others)
  assert.deepEqual(await wide(), [])
})

/** Inserts, updates and deletes in every table that allows it. */
async function work(client: Awaited<ReturnType<TestSite['login']>>, mark: string): Promise<void> {
  // A unique value goes over to another row, and one that was deleted comes again.
  await client.query(`update books.account set name = 'left by ' || $1 where name = 'name 1'`, [
    mark,
  ])
  await client.query(`select rf_delete.account(id => id) from books.account where name = 'name 2'`)
  await client.query(
    `insert into books.account (name, note) values ('name 1', $1), ('name 2', $1)`,
    [mark],
  )
  await client.query(`insert into books.entry (kind, body) values ('credit', $1)`, [mark])
  await client.query(`update books.entry set body = body || $1 where body like 'of name 3%'`, [
    mark,
  ])
  await client.query(
    `select rf_delete.entry(number => number) from (select number from books.entry where body like 'of name 4%' limit 1) x`,
  )
  await client.query(`insert into books.ticket (body) values ($1)`, [mark])
  await client.query(`update books.day set body = $1 where at < '2026-06-10'`, [mark])
  await client.query(`select rf_delete.day(at => '2026-07-01')`)
  await client.query(`update books.legacy set "odd name" = $1 where id = 1`, [mark])
}

test('what was begun before the copy and committed after it comes along, also from savepoints', async () => {
  await place.provision('late')
  const slow = await place.login('late')
  const quick = await place.login('late')
  await fill(quick, 10)
  await slow.query('begin')
  await slow.query(`insert into books.account (name) values ('top')`)
  await slow.query('savepoint one')
  await slow.query(`update books.account set name = 'changed in a savepoint' where name = 'name 5'`)
  await slow.query('savepoint two')
  await slow.query(`insert into books.account (name) values ('deep')`)
  await slow.query(`select rf_delete.account(id => id) from books.account where name = 'name 6'`)
  await slow.query('release savepoint two')
  // Transactions that come and go meanwhile have higher numbers, and are seen by the copy.
  await quick.query(`insert into books.account (name) values ('before the copy')`)
  await place.boundary.prepareMove(tenant('late'), 'bridge')
  await quick.query(`insert into books.account (name) values ('after the copy')`)
  await place.boundary.catchUp(tenant('late'))
  await slow.query('commit')
  const before = await contents(place, 'late')
  await place.boundary.cutOver(tenant('late'))
  assert.deepEqual(await contents(place, 'late'), before)
  const text = JSON.stringify(before['account'])
  for (const name of ['top', 'deep', 'changed in a savepoint', 'after the copy']) {
    assert.ok(text.includes(name), name)
  }
  assert.ok(!text.includes('"name 6"'))
  await place.boundary.finishMove(tenant('late'))
  await place.boundary.erase(tenant('late'))
})

test('writers that never rest lose nothing that they were told was done', async () => {
  const id = tenant('busy')
  await place.provision('busy')
  const done = new AbortController()
  const kept = new Set<string>()
  const maybe = new Set<string>()
  const gone = new Set<string>()
  const writer = async (number: number) => {
    for (let n = 0; !done.signal.aborted; ) {
      const client = await place.login('busy').catch(() => undefined)
      if (client === undefined) continue
      try {
        for (; !done.signal.aborted; n += 1) {
          const name = `writer ${number} row ${n}`
          maybe.add(name)
          await client.query(`insert into books.account (name) values ($1)`, [name])
          kept.add(name)
          if (n % 3 !== 2) continue
          const victim = `writer ${number} row ${n - 1}`
          if (!kept.delete(victim)) continue
          await client.query(
            `select rf_delete.account(id => id) from books.account where name = $1`,
            [victim],
          )
          gone.add(victim)
        }
      } catch {
        n += 1
      }
      await client.end().catch(() => {})
    }
  }
  const writing = [1, 2, 3].map(writer)
  for (const to of ['bridge', 'pooled'] as const) {
    await place.boundary.prepareMove(id, to)
    for (let round = 0; round < 3; round += 1) await place.boundary.catchUp(id)
    await place.boundary.cutOver(id)
    await place.boundary.finishMove(id)
  }
  done.abort()
  await Promise.all(writing)
  const { rows } = await (await place.login('busy')).query<{ name: string }>(
    'select name from books.account',
  )
  const names = new Set(rows.map(({ name }) => name))
  assert.ok(kept.size > 10 && gone.size > 3, `${kept.size} kept, ${gone.size} gone`)
  assert.deepEqual([...kept.difference(names)], [], 'rows were lost')
  assert.deepEqual([...gone.intersection(names)], [], 'deleted rows came back')
  assert.deepEqual([...names.difference(maybe)], [], 'rows that nobody wrote')
  await place.boundary.erase(id)
})
