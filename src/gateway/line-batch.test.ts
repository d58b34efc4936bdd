import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { LineBatch } from './line-batch.ts'

test('lines come out in their order, some at a time, after a moment or when they are many', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const written: string[] = []
  const batch = new LineBatch((text) => written.push(text))
  batch.add('one')
  batch.add('two')
  assert.deepEqual(written, [])
  t.mock.timers.tick(50)
  assert.deepEqual(written, ['one\ntwo'])
  batch.add('x'.repeat(70_000))
  assert.equal(written.length, 2)
  batch.add('last')
  batch.close()
  assert.equal(written[2], 'last')
  t.mock.timers.tick(1_000)
  assert.equal(written.length, 3)
})

test('a process that ends by itself, or by an error, has written all', () => {
  const module = join(import.meta.dirname, 'line-batch.ts')
  for (const end of ['process.exit(0)', "throw new Error('no')"]) {
    const script = `import { writeSync } from 'node:fs'
      import { LineBatch } from ${JSON.stringify(module)}
      const batch = new LineBatch((text) => writeSync(1, text))
      batch.add('one'); batch.add('two'); ${end}`
    const run = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', script], {
      encoding: 'utf8',
    })
    assert.equal(run.stdout, 'one\ntwo', run.stderr)
  }
})
