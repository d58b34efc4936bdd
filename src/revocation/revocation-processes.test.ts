import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type pg from 'pg'
import { scratch } from '../clusters/scratch.test-support.ts'
import { until } from '../core/until.test-support.ts'
import { revocationSite, revocations, session } from './revocation-site.test-support.ts'

const PROCESSES = 4

test('four processes learn of every revocation, also of one that commits late', async (t) => {
  const site = await revocationSite(t)
  await site.publish(session('before'))
  const processes = await Promise.all(
    Array.from({ length: PROCESSES }, () => following(t, site.settings)),
  )
  const all = (id: string) => until(() => processes.every(({ heard }) => heard.has(id)))
  await all('before')
  const late = await site.connect()
  await late.query('begin')
  await revocations.publish(late, session('late'))
  for (let n = 0; n < 20; n += 1) await site.publish(session(`one-${n}`))
  await all('one-19')
  assert.ok(processes.every(({ heard }) => !heard.has('late')))
  await late.query('commit')
  await all('late')
  const wanted = ['before', 'late', ...Array.from({ length: 20 }, (_, n) => `one-${n}`)]
  for (const { heard } of processes) {
    assert.deepEqual([...heard].toSorted(), wanted.toSorted())
  }
})

test('a publisher that is killed before it commits revokes nothing, and holds nobody up', async (t) => {
  const site = await revocationSite(t)
  const processes = await Promise.all([following(t, site.settings), following(t, site.settings)])
  const publisher = spawn(process.execPath, [script('publish.test-support.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  publisher.stdin.end(JSON.stringify({ settings: site.settings, id: 'killed' }))
  await once(createInterface({ input: publisher.stdout }), 'line')
  // While it stands there, others' revocations come through.
  await site.publish(session('meanwhile'))
  await until(() => processes.every(({ heard }) => heard.has('meanwhile')))
  publisher.kill('SIGKILL')
  await once(publisher, 'exit')
  await site.publish(session('afterwards'))
  await until(() => processes.every(({ heard }) => heard.has('afterwards')))
  for (const { heard } of processes) assert.deepEqual([...heard], ['meanwhile', 'afterwards'])
})

test('a process that is killed knows at once again what it knew, without the database', async (t) => {
  const site = await revocationSite(t)
  const directory = `${scratch(t)}/revocations`
  for (let n = 0; n < 5; n += 1) {
    const process = await following(t, site.settings, directory)
    await site.publish(session(`round-${n}`))
    await until(() => process.heard.has(`round-${n}`))
    // Killed at its very first start, before it has written anything, there is nothing to know.
    if (n === 0) await until(() => existsSync(`${directory}/revocations.json`))
    process.child.kill('SIGKILL')
    await once(process.child, 'exit')
    const alone = await site.follow({ directory, database: { host: '127.0.0.1', port: 1 } })
    // Whole, of whichever moment: never damaged, and recent enough to serve from.
    assert.ok(alone.known)
    await alone.close()
  }
})

interface Following {
  readonly child: ReturnType<typeof spawn>
  /** What it said that it learned of. */
  readonly heard: ReadonlySet<string>
}

/** Another process, on return with all that there was. */
async function following(
  t: TestContext,
  database: pg.ClientConfig,
  directory = `${scratch(t)}/revocations`,
): Promise<Following> {
  const child = spawn(process.execPath, [script('follow.test-support.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  child.stdin.write(`${JSON.stringify({ directory, database })}\n`)
  const heard = new Set<string>()
  const lines = createInterface({ input: child.stdout })
  const known = new Promise<void>((resolve) => {
    lines.on('line', (line) => {
      if (line === 'known') resolve()
      else heard.add(line)
    })
  })
  await known
  return { child, heard }
}

const script = (name: string) => fileURLToPath(new URL(name, import.meta.url))
