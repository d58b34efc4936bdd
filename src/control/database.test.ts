import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scratch } from '../clusters/scratch.test-support.ts'
import { startSeeded } from '../clusters/test-seed.test-support.ts'
import { Database } from './database.ts'

test('what follows a commit is done when others see it, and not when it is rolled back', async (t) => {
  const directory = `${scratch(t)}/server`
  const cluster = await startSeeded({ name: 'test', directory, profile: 'silo' })
  t.after(() => cluster.stop())
  const database = new Database(cluster.admin)
  t.after(() => database.close())
  await database.query('create table done (what text)')
  const seen: Promise<readonly { what: string }[]>[] = []
  const look = () => void seen.push(database.query<{ what: string }>('select what from done'))
  await database.transaction(async (tx) => {
    tx.afterCommit(look)
    await tx.query(`insert into done values ('kept')`)
    assert.equal(seen.length, 0)
  })
  assert.deepEqual(await Promise.all(seen), [[{ what: 'kept' }]])
  const failed = database.transaction(async (tx) => {
    tx.afterCommit(look)
    await tx.query('select 1 / 0')
  })
  await assert.rejects(failed)
  assert.equal(seen.length, 1)
})
