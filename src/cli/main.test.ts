import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'

test('a reader who has enough, as head has, ends a command without a word of trouble', async () => {
  const main = new URL('../main.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [main, 'completion', 'bash'], { stdio: 'pipe' })
  child.stdout.destroy()
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
  assert.deepEqual([said, code], ['', 141])
})
