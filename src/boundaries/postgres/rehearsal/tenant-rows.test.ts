import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { parseTenantId } from '../../../core/tenant.ts'
import { DIARY } from '../attacks/try-attacks.test-support.ts'
import type { Arena } from './arena.ts'
import type { Side } from './side.ts'
import type { Session } from './session.ts'
import { settle } from './settle.ts'
import { TenantRows } from './tenant-rows.ts'
import { ThrowAwayServers } from './throw-away-servers.ts'

const servers = new ThrowAwayServers(DIARY)
let arena: Arena
let admin: Session
let [a, b]: readonly Side[] = []

before(async () => {
  const sites = await servers.sites('pooled', 2)
  arena = await settle(DIARY, 'pooled', ['a', 'b'].map(parseTenantId), sites)
  ;[a, b] = arena.sides
  admin = await arena.admin(sideOf(a))
  await admin.run('set session_replication_role = replica')
})
after(async () => {
  await arena?.rest()
  await servers.clear()
})

function sideOf(side: Side | undefined): Side {
  assert.ok(side !== undefined)
  return side
}

/** All rows as text, with everything in them. */
async function everything(): Promise<string> {
  const { rows, error } = await admin.run(
    `select array_agg(e::text order by e::text) as rows from (select e::text from diary.entry e
       union all select r::text from diary.reading r union all select t::text from diary.tally t
       union all select n::text from ground.note n union all select h::text from ground.note_history h) e`,
  )
  assert.equal(error, undefined)
  return JSON.stringify(rows)
}

test('a digest tells whose row was written to, even with the values that it had', async () => {
  const rows = await TenantRows.watch(arena.sides)
  const [first, second] = [sideOf(a), sideOf(b)]
  const before = await rows.digests(arena.sides)
  await admin.run(`update diary.tally set entries = entries where tenant_id = $1`, [second.key])
  const after = await rows.digests(arena.sides)
  assert.equal(after.get(first.key), before.get(first.key))
  assert.notEqual(after.get(second.key), before.get(second.key))
  await rows.close()
})

test('whatever was done to rows of any type, they are put back as they were', async () => {
  const rows = await TenantRows.watch(arena.sides)
  const planted = await everything()
  for (const sql of [
    "update diary.entry set words = 'changed', photo = null, weather = '{}', cost = 0, tags = '{x}'",
    'delete from diary.reading; delete from diary.tally',
    'truncate diary.entry, diary.reading, ground.note, ground.reply, ground.note_history',
    `insert into ground.note (tenant_id, title) values ('${sideOf(b).key}', 'one more')`,
  ]) {
    assert.equal((await admin.run(sql)).error, undefined)
    assert.notEqual(await everything(), planted)
    await rows.restore(arena.sides)
    assert.equal(await everything(), planted)
  }
  await rows.close()
})

test('a table that is gone counts as a change', async () => {
  const rows = await TenantRows.watch(arena.sides)
  const before = await rows.digests(arena.sides)
  await admin.run('drop table diary.tally')
  const after = await rows.digests(arena.sides)
  for (const { key } of arena.sides) assert.notEqual(after.get(key), before.get(key))
  await rows.close()
})
