import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startDirectorySite } from './directory/directory-site.test-support.ts'

test('what follows a commit is done when others see it, and not when it is rolled back', async (t) => {
  const site = await startDirectorySite()
  t.after(() => site.stop())
  const { database } = site
  await site.realm('acme')
  const seen: Promise<readonly { name: string }[]>[] = []
  const sql = 'select display_name as name from identity.realm where tenant = $1'
  const look = () => void seen.push(database.query<{ name: string }>(sql, ['acme']))
  await database.transaction(async (rows) => {
    rows.afterCommit?.(look)
    await rows.query(`update identity.realm set display_name = 'New' where tenant = $1`, ['acme'])
    assert.equal(seen.length, 0)
  })
  assert.deepEqual(await Promise.all(seen), [[{ name: 'New' }]])
  const failed = database.transaction(async (rows) => {
    rows.afterCommit?.(look)
    await rows.query('select 1 / 0')
  })
  await assert.rejects(failed)
  assert.equal(seen.length, 1)
})
