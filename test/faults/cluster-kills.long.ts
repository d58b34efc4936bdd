import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { ask, holder, scratch, started } from '../../src/clusters/scratch.test-support.ts'

const ROUNDS = 40

test('a process killed at any moment of any start leaves a directory that starts', async (t) => {
  for (let round = 0; round < ROUNDS; round++) {
    const directory = scratch(t)
    // From the first system call over initdb and the server's start to a second start.
    for (const _ of [1, 2]) {
      const other = holder(t, { directory })
      await sleep((round / ROUNDS) * 1_600)
      await other.kill()
    }
    const cluster = await started(t, { directory })
    assert.deepEqual(await ask(cluster.admin, 'SELECT 1'), [1], `round ${round}`)
    await cluster.stop()
  }
})

test('what a server had committed when it was killed is there at the next start', async (t) => {
  const directory = scratch(t)
  let committed = 0
  for (let round = 0; round < ROUNDS; round++) {
    const cluster = await started(t, { directory })
    await ask(cluster.admin, 'CREATE TABLE IF NOT EXISTS kept (n int)')
    const [count] = await ask(cluster.admin, 'SELECT coalesce(max(n), 0) FROM kept')
    assert.ok(Number(count) >= committed, `round ${round}: ${Number(count)} of ${committed}`)
    const client = new Client(cluster.admin)
    client.on('error', () => undefined)
    await client.connect()
    const writing = (async () => {
      for (let n = Number(count) + 1; ; n++) {
        await client.query('INSERT INTO kept VALUES ($1)', [n])
        committed = n
      }
    })()
    await sleep(round * 5)
    process.kill(cluster.pid, round % 2 === 0 ? 'SIGKILL' : 'SIGQUIT')
    await assert.rejects(writing)
    await cluster.exited
  }
  assert.ok(committed > ROUNDS)
})
