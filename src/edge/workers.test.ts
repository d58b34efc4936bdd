import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

let primary: ChildProcess
let port: number
let directory: string
const events: { readonly event: string; readonly all?: boolean; readonly url?: string }[] = []

const count = (name: string) => events.filter(({ event }) => event === name).length

async function until(holds: () => boolean): Promise<void> {
  const end = Date.now() + 60_000
  while (!holds()) {
    if (Date.now() > end) throw new Error(`it never came to hold: ${JSON.stringify(events)}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rf-workers-'))
  primary = spawn(
    process.execPath,
    [join(import.meta.dirname, 'workers.fixture.ts'), '2', join(directory, 'broken')],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let text = ''
  primary.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString()
    const lines = text.split('\n')
    text = lines.pop() ?? ''
    for (const line of lines) events.push(JSON.parse(line))
  })
  await until(() => count('listening') === 1)
  const { url = '' } = events.find(({ event }) => event === 'listening') ?? {}
  port = Number(new URL(url).port)
})
after(async () => {
  const ended = new Promise((resolve) => primary.once('exit', resolve))
  primary.kill('SIGTERM')
  await ended
  await rm(directory, { recursive: true })
})

const kept = new Agent({ keepAlive: true, maxSockets: 4 })
after(() => kept.destroy())

function get(path: string, agent: Agent | false = kept): Promise<string> {
  return new Promise((resolve, reject) => {
    const sending = request({ port, host: '127.0.0.1', path, agent }, (response) => {
      let body = ''
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString()
      })
      response.on('end', () => resolve(body))
      response.on('error', reject)
    })
    sending.on('error', reject)
    sending.end()
  })
}

/** Four callers call again and again while something happens. Returns who has answered. */
async function whileCalled(act: () => Promise<unknown>) {
  const over = new AbortController()
  const served = new Set<string>()
  const failures: string[] = []
  const callers = Array.from({ length: 4 }, async () => {
    while (!over.signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, 1))
      try {
        served.add(await get('/'))
      } catch (error) {
        failures.push(String(error))
      }
    }
  })
  await act()
  over.abort()
  await Promise.all(callers)
  return { served, failures }
}

test('no request is lost while every worker is replaced under load', async () => {
  const { served, failures } = await whileCalled(async () => {
    primary.kill('SIGHUP')
    await until(() => count('rolled') === 1)
  })
  assert.deepEqual(failures, [])
  assert.equal(events.find(({ event }) => event === 'rolled')?.all, true)
  // Two of before, and two of after.
  assert.equal(new Set([...served].map((line) => line.split(' ')[1])).size, 4)
})

test('a worker that dies is replaced, and the others serve on', async () => {
  const ready = count('worker-ready')
  await assert.rejects(get('/die', false))
  assert.match(await get('/', false), /^\d/)
  await until(() => count('worker-ready') === ready + 1 && count('worker-died') === 1)
})

test('replacements that cannot serve leave those that do in their places', async () => {
  await writeFile(join(directory, 'broken'), '')
  const { failures } = await whileCalled(async () => {
    primary.kill('SIGHUP')
    await until(() => count('rolled') === 2)
  })
  assert.deepEqual(failures, [])
  assert.equal(events.findLast(({ event }) => event === 'rolled')?.all, false)
  assert.equal(count('worker-not-replaced'), 1)
})

test('what only one process can know is asked of the first, by all', async () => {
  const answers = await Promise.all([1, 2, 3, 4].map(() => get('/ask', false)))
  assert.equal(new Set(answers).size, 4)
})
