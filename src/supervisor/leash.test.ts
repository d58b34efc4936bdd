import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const LEASH = fileURLToPath(new URL('./leash.ts', import.meta.url))

/** Runs a script on the leash, in a group of its own as a supervisor does; resolves at its first word. */
async function onLeash(script: string) {
  const leash = spawn(process.execPath, [LEASH, process.execPath, '-e', script], {
    detached: true,
    stdio: 'pipe',
  })
  const exited = once(leash, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  const [word] = (await once(leash.stdout, 'data')) as [Buffer]
  return { leash, exited, word: word.toString().trim() }
}

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function gone(pid: number): Promise<void> {
  for (let tries = 0; isAlive(pid) && tries < 200; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  assert.equal(isAlive(pid), false)
}

const FOREVER = 'console.log(process.pid); setInterval(() => {}, 1000)'

test('a program ends when its supervisor is gone, without a word', async () => {
  const { leash, exited, word } = await onLeash(FOREVER)
  leash.stdin.destroy()
  await gone(Number(word))
  assert.deepEqual(await exited, [143, null])
})

test('a program that is told to stop ends in its own way, and the leash with its code', async () => {
  const { leash, exited } = await onLeash(
    `process.on('SIGTERM', () => process.exit(7)); ${FOREVER}`,
  )
  process.kill(-(leash.pid ?? 0), 'SIGTERM')
  assert.deepEqual(await exited, [7, null])
})

test('a program that ends by itself ends the leash with its code', async () => {
  const { exited } = await onLeash('console.log(1); process.exitCode = 3')
  assert.deepEqual(await exited, [3, null])
})
