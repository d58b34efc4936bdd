import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { test } from 'node:test'
import { scratch } from '../src/clusters/scratch.test-support.ts'
import { openTestRoom } from './test-room.ts'

/** Opens a room, says where, and stays. */
const HOLDER = `
  const { openTestRoom } = await import(${JSON.stringify(new URL('test-room.ts', import.meta.url).href)})
  const room = await openTestRoom({ place: process.argv[1] })
  console.log(room.directory)
  process.stdin.resume()`

test('a room that a killed run has left is removed by the next, and a live one never is', async (t) => {
  const place = scratch(t)
  const holder = spawn(process.execPath, ['--input-type=module', '-e', HOLDER, place])
  t.after(() => holder.kill('SIGKILL'))
  const [said] = await once(holder.stdout, 'data')
  const theirs = String(said).trim()
  const first = await openTestRoom({ place, leftAfterMs: 0 })
  assert.notEqual(first.directory, theirs)
  assert.ok(existsSync(theirs))
  await first.close()
  holder.kill('SIGKILL')
  await once(holder, 'exit')
  const second = await openTestRoom({ place, leftAfterMs: 0 })
  assert.equal(existsSync(theirs), false)
  assert.ok(existsSync(second.directory))
  await second.close()
})

test('a run keeps its files in its room, and nothing is left of it', async (t) => {
  const place = scratch(t)
  const room = await openTestRoom({ place })
  assert.equal(room.environment['TMPDIR'], room.directory)
  for (const path of Object.values(room.environment)) assert.ok(path.startsWith(room.directory))
  await room.close()
  assert.deepEqual(readdirSync(place), [])
})
