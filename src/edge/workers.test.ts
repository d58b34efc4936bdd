import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { callsMeanwhile } from './calls-meanwhile.test-support.ts'
import { Http2Caller } from './http2-caller.test-support.ts'

interface Event {
  readonly event: string
  readonly all?: boolean
  readonly url?: string
}

let primary: ChildProcess
let port: number
let directory: string
const events: Event[] = []

const counted = (all: readonly Event[], name: string) =>
  all.filter(({ event }) => event === name).length
const count = (name: string) => counted(events, name)

/** Starts workers, and writes down what they say. */
function begin(said: Event[], ...more: readonly string[]): ChildProcess {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'workers.fixture.ts'), '2', join(directory, 'broken'), ...more],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString()
    const lines = text.split('\n')
    text = lines.pop() ?? ''
    for (const line of lines) said.push(JSON.parse(line))
  })
  return child
}

async function end(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await ended
}

const portOf = (said: readonly Event[]) =>
  Number(new URL(said.find(({ event }) => event === 'listening')?.url ?? '').port)

async function until(holds: () => boolean): Promise<void> {
  const end = Date.now() + 60_000
  while (!holds()) {
    if (Date.now() > end) throw new Error(`it never came to hold: ${JSON.stringify(events)}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rf-workers-'))
  primary = begin(events)
  await until(() => count('listening') === 1)
  port = portOf(events)
})
after(async () => {
  await end(primary)
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

test('over HTTP/2 no request is lost while every worker is replaced', async () => {
  const said: Event[] = []
  const child = begin(said, 'tls')
  try {
    await until(() => counted(said, 'listening') === 1)
    const at = portOf(said)
    const open = () => new Http2Caller(at, 'a.example', {})
    const { outcomes, callers } = await callsMeanwhile(open, async () => {
      child.kill('SIGHUP')
      await until(() => counted(said, 'rolled') === 1)
    })
    assert.deepEqual([...outcomes.keys()], ['200'], JSON.stringify([...outcomes]))
    // They were told to go elsewhere, and did.
    assert.ok(callers.every(({ connections }) => connections > 1))
  } finally {
    await end(child)
  }
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
