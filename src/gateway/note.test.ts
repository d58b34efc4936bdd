import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Note } from './note.ts'

const SOURCES = join(import.meta.dirname, '..')

test('a note is found by the exchange that it was written down with, and by no other', () => {
  const one = { notes: [] }
  const other = { notes: [] }
  const first = new Note<string>()
  const second = new Note<number>()
  first.set(one, 'a')
  second.set(one, 1)
  second.set(other, 2)
  assert.deepEqual([first.get(one), second.get(one)], ['a', 1])
  assert.deepEqual([first.get(other), second.get(other)], [undefined, 2])
  second.set(one, 3)
  assert.equal(second.get(one), 3)
})

test('nothing is kept by exchanges in a WeakMap, which would keep them from quick collections', () => {
  const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
  const found = files
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .filter((file) => /WeakMap<\s*Exchange\b/.test(readFileSync(join(SOURCES, file), 'utf8')))
  assert.deepEqual(found, [])
})
