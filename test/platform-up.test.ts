import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { stringify } from 'yaml'
import { askPlatform } from '../src/cli/operator-client.ts'

const START_WITHIN_MS = 90_000

let directory: string
let manifest: string
let state: string
const running = new Set<ChildProcess>()

before(() => {
  directory = mkdtempSync(join(tmpdir(), 'ringfence up '))
  state = join(directory, 'state')
  manifest = join(directory, 'platform.yaml')
  writeFileSync(
    manifest,
    stringify({
      apiVersion: 'ringfence.dev/v1',
      kind: 'Platform',
      metadata: { name: 'test' },
      spec: {
        application: resolve('examples/clinic/ringfence.yaml'),
        cells: [{ name: 'eu-1', region: 'eu' }],
        tenants: [
          { id: 'acme', tier: 'pooled', region: 'eu', displayName: 'Acme' },
          { id: 'globex', tier: 'bridge', region: 'eu', displayName: 'Globex' },
        ],
      },
    }),
  )
})

after(() => {
  for (const child of running) child.kill('SIGKILL')
  for (const pid of processesOf(state)) process.kill(pid, 'SIGKILL')
  rmSync(directory, { recursive: true, force: true })
})

interface Up {
  readonly child: ChildProcess
  readonly output: () => string
  readonly exited: Promise<number | null>
}

/** Starts `ringfence up` and waits until it says that it is ready. */
async function up(): Promise<Up> {
  const child = spawn(process.execPath, ['src/main.ts', 'up', '-f', manifest, '--state', state])
  running.add(child)
  let output = ''
  const ready = Promise.withResolvers<void>()
  const take = (chunk: Buffer) => {
    output += chunk.toString()
    if (/^ready$/m.test(output)) ready.resolve()
  }
  child.stdout.on('data', take)
  child.stderr.on('data', take)
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
  void exited.then(() => ready.reject(new Error(`ended before it was ready:\n${output}`)))
  const timer = setTimeout(() => ready.reject(new Error(`not ready:\n${output}`)), START_WITHIN_MS)
  await ready.promise.finally(() => clearTimeout(timer))
  return { child, output: () => output, exited }
}

/** Processes whose command line names the directory: the servers that were started there. */
function processesOf(place: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(place)
      } catch {
        return false
      }
    })
    .map(Number)
}

/** The postmaster of a cluster, from its pid file. */
function postmaster(cluster: string): number {
  const text = readFileSync(join(state, cluster, 'data', 'postmaster.pid'), 'utf8')
  return Number(text.split('\n')[0])
}

async function lease(tenant: string): Promise<unknown> {
  return askPlatform(state, 'POST', `/v1/tenants/${tenant}/leases`, { scope: 'read' })
}

async function eventually(what: string, check: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 300; tries += 1) {
    if (await check().catch(() => false)) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  assert.fail(`never happened: ${what}`)
}

describe('a platform that is up', { skip: process.platform !== 'linux' && 'reads /proc' }, () => {
  test('serves its tenants, and a cell that dies is started again', async () => {
    const { child, output, exited } = await up()
    const tenants = (await askPlatform(state, 'GET', '/v1/tenants')) as {
      id: string
      status: string
    }[]
    assert.deepEqual(
      tenants.map(({ id, status }) => `${id} ${status}`),
      ['acme active', 'globex active'],
    )
    const findings = (await askPlatform(state, 'GET', '/v1/findings')) as { severity: string }[]
    assert.deepEqual(
      findings.filter(({ severity }) => severity !== 'info'),
      [],
    )
    await lease('acme')
    const before = postmaster('cells/eu-1/cluster')
    process.kill(before, 'SIGKILL')
    await eventually('the cell is back', async () => {
      await askPlatform(state, 'DELETE', '/v1/tenants/acme/leases')
      await lease('acme')
      return postmaster('cells/eu-1/cluster') !== before
    })
    assert.match(output(), /eu-1 +\| .*starting again in \d+ ms/)
    child.kill('SIGTERM')
    assert.equal(await exited, 0)
    assert.deepEqual(processesOf(state), [])
    // In reverse order of the start: what others depend on goes last.
    const stopped = [...output().matchAll(/^(\S+) +\| stopped$/gm)].map((match) => match[1])
    assert.deepEqual(stopped, ['vending', 'eu-1', 'control'])
  })

  test('starts again after kill -9, with its tenants, over the servers that were left', async () => {
    const first = await up()
    first.child.kill('SIGKILL')
    await first.exited
    const second = await up()
    await lease('globex')
    second.child.kill('SIGINT')
    assert.equal(await second.exited, 0)
    assert.deepEqual(processesOf(state), [])
  })

  test('does not run twice on one directory: the second says so and ends with 2', async () => {
    const { child, exited } = await up()
    await assert.rejects(up(), /ended before it was ready:[\s\S]*ringfence: /)
    await lease('acme')
    child.kill('SIGTERM')
    await exited
    assert.deepEqual(processesOf(state), [])
  })
})
