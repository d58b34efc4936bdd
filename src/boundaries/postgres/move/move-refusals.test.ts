import assert from 'node:assert/strict'
import { mkdir, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import type pg from 'pg'
import { BUDGET_DEFAULT } from '../leases/budget.ts'
import { PostgresBoundary } from '../postgres-boundary.ts'
import { parseCellName } from '../../../core/tenant.ts'
import { startTestSite, tenant, type TestSite } from '../test-site.test-support.ts'
import type { MoveStep } from './move-steps.ts'
import { BOOKS, contents, fill } from './move.test-support.ts'

let place: TestSite
let ledger: pg.Client
let made = 0
let name = ''
let id = tenant('nobody')

before(async () => {
  place = await startTestSite({ application: BOOKS, bridges: true })
  ledger = await place.admin(place.names.custodyDatabase)
})
after(() => place?.stop())

beforeEach(async () => {
  made += 1
  name = `t${made}`
  id = tenant(name)
  await place.provision(name)
  const client = await place.login(name)
  await fill(client, 20)
  await client.end()
})

/** The administrator in the place that is being filled. */
async function pending(): Promise<pg.Client> {
  const { rows } = await ledger.query<{ database: string }>(
    'select database from custody.move where tenant_id = $1',
    [name],
  )
  return place.admin(rows[0]?.database)
}

/** That the tenant is whole where it was, works there, and nothing of the move is left after `abortMove`. */
async function wholeIn(before: Awaited<ReturnType<typeof contents>>): Promise<void> {
  assert.deepEqual(await contents(place, name), before)
  assert.equal((await place.boundary.find(id))?.tier, 'pooled')
  const client = await place.login(name)
  await client.query(`insert into books.account (name) values ('still at work')`)
  await place.boundary.abortMove(id)
  const { rowCount } = await client.query(`select from books.account where name = 'still at work'`)
  assert.equal(rowCount, 1)
  await client.end()
  assert.deepEqual(
    (await place.boundary.inspect()).filter((one) => /move|place|rows/.test(one.rule)),
    [],
  )
  await place.boundary.erase(id)
}

/** What may go wrong in the copy, and never shows in a count alone. */
const DIFFERENCES: Readonly<Record<string, string>> = {
  'a value that differs': `update books.account set amount = amount + 0.01 where name = 'name 7'`,
  'a row that is missing': `delete from books.day where at = '2026-06-02'`,
  'one row in place of another': `update books.ticket set number = number + 1000 where number = (select min(number) from only books.ticket)`,
  'two values that changed places': `update books.entry set body = case number when a then (select body from books.entry where number = b)
      else (select body from books.entry where number = a) end
    from (select min(number) a, max(number) b from books.entry) x where number in (a, b)`,
  'a null in place of an empty text': `update books.account set name = 'x' where name = ''`,
  'a table without a key': `update books.history set image = image || '{"forged": true}' where ctid = (select min(ctid) from books.history)`,
}

for (const [what, sql] of Object.entries(DIFFERENCES)) {
  test(`the new place does not take over with ${what}`, async () => {
    await place.boundary.prepareMove(id, 'bridge')
    const before = await contents(place, name)
    const admin = await pending()
    await admin.query('set session_replication_role = replica')
    const { rowCount } = await admin.query(sql)
    assert.ok(rowCount)
    await admin.end()
    await assert.rejects(place.boundary.cutOver(id), {
      code: 'move_failed',
      message: /^the two places differ in \w+; the old one stays$/,
    })
    await wholeIn(before)
  })
}

test('a copy with its deletions and changes still to come is not taken for a difference', async () => {
  await place.boundary.prepareMove(id, 'bridge')
  const client = await place.login(name)
  await client.query(
    `select rf_delete.account(id => id) from books.account where name like 'name 1%'`,
  )
  await client.query(`update books.account set name = 'name 1' where name = 'name 2'`)
  // Taken for one that was deleted at the source, and dropped.
  const admin = await pending()
  await admin.query(
    'insert into books.legacy (id, owner_id) select 99, owner_id from books.legacy limit 1',
  )
  await admin.end()
  const before = await contents(place, name)
  await place.boundary.cutOver(id)
  assert.deepEqual(await contents(place, name), before)
  await place.boundary.finishMove(id)
  await place.boundary.erase(id)
})

test('rows that refer to a shared row which the new place lacks do not move', async () => {
  const admin = await place.admin()
  await admin.query(`insert into books.kind values ('gift') on conflict do nothing`)
  const client = await place.login(name)
  await client.query(`insert into books.entry (kind) values ('gift')`)
  const before = await contents(place, name)
  await assert.rejects(place.boundary.prepareMove(id, 'bridge'), {
    code: 'move_failed',
    message: /^entry refers to rows of the shared table (books\.)?kind/,
  })
  await assert.rejects(place.boundary.cutOver(id), { code: 'move_failed' })
  await wholeIn(before)
})

test('places with other columns do not take each other’s rows', async () => {
  await place.boundary.prepareMove(id, 'bridge')
  const before = await contents(place, name)
  const admin = await pending()
  await admin.query('alter table books.legacy add later text')
  await admin.end()
  await assert.rejects(place.boundary.cutOver(id), {
    code: 'move_failed',
    message: /^table legacy is not the same in both places/,
  })
  await wholeIn(before)
})

test('in the pause reads are leased and writes are not; when it fails, writes are leased again', async () => {
  const seen: unknown[] = []
  const boundary = stopping('verified', async () => {
    const read = await place.boundary.lease(id, { scope: 'read', holder: 'test' })
    seen.push(read.tier)
    await assert.rejects(place.boundary.lease(id, { scope: 'write', holder: 'test' }), {
      code: 'lease_denied',
    })
    const reader = await place.connect(read.credential)
    seen.push((await reader.query('select from books.account')).rowCount)
    throw new Error('something else broke')
  })
  const before = await contents(place, name)
  const lease = await place.boundary.lease(id, { scope: 'write', holder: 'test' })
  const writer = await place.connect(lease.credential)
  await boundary.prepareMove(id, 'bridge')
  await assert.rejects(boundary.cutOver(id), /something else broke/)
  await assert.rejects(writer.query('select 1'))
  assert.deepEqual(seen, ['pooled', before['account']?.length])
  await wholeIn(before)
})

test('a hold that ran out is not built upon: a lease may have been given since', async () => {
  const boundary = stopping('opened', async () => {
    await ledger.query(
      'update custody.tenant set writes_held_until = clock_timestamp() where tenant_id = $1',
      [name],
    )
    const late = await place.login(name)
    await late.query(`insert into books.account (name) values ('in the last moment')`)
  })
  await boundary.prepareMove(id, 'bridge')
  await assert.rejects(boundary.cutOver(id), { code: 'move_failed' })
  const before = await contents(place, name)
  assert.ok(JSON.stringify(before).includes('in the last moment'))
  await wholeIn(before)
})

test('a login that was opened on the old place in the very moment of the swap is not handed out', async () => {
  await place.boundary.prepareMove(id, 'bridge')
  const { custodian } = place.site
  const open = custodian.open.bind(custodian)
  let swapped = false
  custodian.open = async (...args) => {
    if (!swapped && args[1] === 'read') {
      swapped = true
      await place.boundary.cutOver(id)
    }
    return open(...args)
  }
  try {
    const lease = await place.boundary.lease(id, { scope: 'read', holder: 'test' })
    assert.equal(lease.tier, 'bridge')
    assert.equal(lease.credential.database, (await place.boundary.find(id))?.database)
  } finally {
    custodian.open = open
  }
  await place.boundary.erase(id)
})

test('a move that was half given up begins anew, under another key', async () => {
  const boundary = stopping('dropped', () => Promise.reject(new Error('killed')))
  await boundary.prepareMove(id, 'bridge')
  const keyOfMove = async () =>
    (await ledger.query('select key from custody.move where tenant_id = $1', [name])).rows[0]?.key
  const given = await keyOfMove()
  await assert.rejects(boundary.abortMove(id), /killed/)
  await assert.rejects(place.boundary.cutOver(id), { code: 'move_failed' })
  const begun = await place.boundary.prepareMove(id, 'bridge')
  assert.ok(begun.copied > 0)
  assert.notEqual(await keyOfMove(), given)
  const before = await contents(place, name)
  await place.boundary.cutOver(id)
  assert.deepEqual(await contents(place, name), before)
  await place.boundary.finishMove(id)
  await place.boundary.erase(id)
})

test('the ledger of the cell gives no lease for a tenant that has a server of its own', async () => {
  await place.boundary.prepareMove(id, 'silo')
  await place.boundary.cutOver(id)
  const login = place.site.custodian.open(id, 'write', 60, 'test', BUDGET_DEFAULT)
  await assert.rejects(login, { code: 'tenant_unknown' })
  await place.boundary.finishMove(id)
  await place.boundary.erase(id)
})

test('a place that nobody knows is reported: rows, a database and a server', async () => {
  await place.boundary.prepareMove(id, 'bridge')
  const { rows } = await ledger.query<{ database: string }>(
    'delete from custody.move where tenant_id = $1 returning database',
    [name],
  )
  const database = rows[0]?.database ?? assert.fail()
  const admin = await place.admin()
  const key = '00000000-0000-4000-8000-000000000001'
  await admin.query('insert into books.history (tenant_id) values ($1)', [key])
  await admin.query('insert into books.legacy (id, owner_id) values (1, $1)', [key])
  const unknown = async () =>
    (await place.boundary.inspect())
      .filter(({ rule }) => /unknown|unfinished/.test(rule))
      .map(({ rule, object, fix }) => ({ rule, object, fix }))
  const found = await unknown()
  assert.deepEqual(
    found.map(({ rule, object }) => [rule, object]),
    [
      ['pg-place-unknown', database],
      ['pg-rows-unknown', `books.history (${key})`],
      ['pg-rows-unknown', `books.legacy (${key})`],
    ],
  )
  for (const { fix } of found) await admin.query(fix ?? '')
  assert.deepEqual(await unknown(), [])
  assert.equal(await place.site.hasDatabase(database), false)

  await place.boundary.prepareMove(id, 'bridge')
  await ledger.query(
    `update custody.move set began_at = now() - interval '2 days' where tenant_id = $1`,
    [name],
  )
  assert.deepEqual(
    (await unknown()).map(({ rule, object }) => [rule, object]),
    [['pg-move-unfinished', `${name} (bridge, copied)`]],
  )
  await place.boundary.abortMove(id)
  assert.deepEqual(await unknown(), [])
  await place.boundary.erase(id)

  const silo = join(place.directory, 'silos', key)
  await mkdir(silo, { recursive: true })
  assert.deepEqual(
    (await unknown()).map(({ rule, object }) => [rule, object]),
    [['pg-place-unknown', `silo ${key}`]],
  )
  await rmdir(silo)
})

/** The same cell, whose moves do something at one step. */
function stopping(at: MoveStep, act: () => Promise<void>): PostgresBoundary {
  return new PostgresBoundary({
    cell: parseCellName('test-cell'),
    site: place.site,
    onMoveStep: async (step) => {
      if (step === at) await act()
    },
  })
}
