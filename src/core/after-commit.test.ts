import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AfterCommit } from './after-commit.ts'

test('what follows a commit is done in order, once, and what fails of it holds nothing up', () => {
  const after = new AfterCommit()
  const done: string[] = []
  after.add(() => done.push('first'))
  after.add(() => {
    throw new Error('its own trouble')
  })
  after.add(() => done.push('last'))
  assert.deepEqual(done, [])
  after.run()
  after.run()
  assert.deepEqual(done, ['first', 'last'])
})
