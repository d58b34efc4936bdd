import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { openThrowAwayRoom } from './throw-away-room.ts'

const { TMPDIR } = process.env

// Each test says itself where temporary files go.
before(() => {
  delete process.env['TMPDIR']
})
after(() => {
  if (TMPDIR !== undefined) process.env['TMPDIR'] = TMPDIR
})

test('what a process throws away is in one room, which is gone with the last of it', async () => {
  const [first, second] = await Promise.all([
    openThrowAwayRoom('first'),
    openThrowAwayRoom('second'),
  ])
  const shared = dirname(first.directory)
  assert.equal(dirname(second.directory), shared)
  assert.notEqual(first.directory, second.directory)
  writeFileSync(join(first.directory, 'file'), 'something')
  await first.close()
  assert.equal(existsSync(first.directory), false)
  assert.ok(existsSync(second.directory))
  await second.close()
  assert.equal(existsSync(shared), false)
})

test('a room that is opened while the last one goes is there', async () => {
  const last = await openThrowAwayRoom('last')
  const going = last.close()
  const next = await openThrowAwayRoom('next')
  await going
  assert.ok(existsSync(next.directory))
  await next.close()
  assert.equal(existsSync(dirname(next.directory)), false)
})

test('it is where TMPDIR says, if that says anything', async () => {
  const outer = await openThrowAwayRoom('outer')
  process.env['TMPDIR'] = outer.directory
  const room = await openThrowAwayRoom('inner')
  delete process.env['TMPDIR']
  assert.equal(dirname(room.directory), outer.directory)
  await room.close()
  assert.ok(existsSync(outer.directory))
  await outer.close()
})
