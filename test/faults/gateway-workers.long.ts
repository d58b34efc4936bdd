import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { cp, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:https'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { TLSSocket } from 'node:tls'
import { scratch } from '../../src/clusters/scratch.test-support.ts'
import { selfSigned } from '../../src/edge/self-signed.ts'
import { Feed } from '../../src/front-door/house/feed.ts'
import { AUDIENCE, contextKey, tenantConfig, tokenOf } from '../../src/gateway/door.test-support.ts'
import { BOUND, presenting, proofFor } from '../../src/gateway/dpop.test-support.ts'
import { type Upstream, upstream } from '../../src/gateway/upstream.test-support.ts'
import { freePort } from '../../src/platform/ports.ts'
import { planeDocument } from '../../src/platform/plane-config.ts'
import { RevocationFile } from '../../src/revocation/revocation-file.ts'
import { samplePlatform } from '../../src/snapshot/sample.test-support.ts'
import { SnapshotFollower } from '../../src/snapshot/snapshot-follower.ts'
import { SigningKey } from '../../src/tokens/signing-key.ts'

// The program itself, with two workers and TLS, while the control database is away.
const HOST = 'acme.example'
const WORKERS = 2
const CALLERS = 6
const ROLLS = 5
const KILLS = 5
/** For what takes a new process to happen. Milliseconds. */
const PATIENCE_MS = 120_000

let primary: ChildProcess
let port: number
let certificates: string
let service: Upstream
const events: { readonly event?: string; readonly worker?: number }[] = []
const agent = new Agent({ keepAlive: true, maxSockets: CALLERS })

const count = (name: string) => events.filter(({ event }) => event === name).length

before(async (t) => {
  assert.ok('after' in t)
  const directory = scratch(t)
  service = await upstream(t)
  port = await freePort('127.0.0.1')
  const recordKey = await SigningKey.create('EdDSA')
  await configuration(directory, recordKey)
  certificates = join(directory, 'certificates')
  await putCertificate()
  await writeFile(join(directory, 'context.jwk'), JSON.stringify(contextKey.privateJwk), {
    mode: 0o600,
  })
  await writeFile(join(directory, 'password'), 'none', { mode: 0o600 })
  const config = join(directory, 'gateway.json')
  await writeFile(
    config,
    planeDocument('gateway', {
      database: {
        ...{ host: '127.0.0.1', port: 1, user: 'nobody', database: 'nothing' },
        passwordFile: join(directory, 'password'),
      },
      configuration: { directory: join(directory, 'snapshot'), keys: [recordKey.publicJwk] },
      revocations: { directory: join(directory, 'revocations'), limitSeconds: 3_600 },
      listen: { host: '127.0.0.1', port },
      admin: { socket: join(directory, 'admin.sock') },
      contextKey: join(directory, 'context.jwk'),
      tls: { certificates },
    }),
  )
  primary = spawn(
    process.execPath,
    ['src/main.ts', 'serve', 'gateway', '--config', config, '--workers', String(WORKERS)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let text = ''
  primary.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString()
    const lines = text.split('\n')
    text = lines.pop() ?? ''
    for (const line of lines) if (line.startsWith('{"level"')) events.push(JSON.parse(line))
  })
  await until(() => count('listening') === 1)
})
after(async () => {
  agent.destroy()
  const ended = new Promise((resolve) => primary.once('exit', resolve))
  primary.kill('SIGTERM')
  assert.equal(await ended, 0)
})

async function until(holds: () => boolean): Promise<void> {
  const end = Date.now() + PATIENCE_MS
  while (!holds()) {
    if (Date.now() > end) throw new Error(`it never came to hold: ${JSON.stringify(events)}`)
    await wait(5)
  }
}

/** What each worker has kept on its disk of a configuration that was in force before. */
async function configuration(directory: string, key: SigningKey): Promise<void> {
  const feed = new Feed(key)
  const plans = samplePlatform.plans.map((plan) => ({ ...plan, requestsPerMinute: 10 ** 7 }))
  const services = [{ ...samplePlatform.services[0], upstream: service.url, prefix: '/' }]
  const contextKeys = [contextKey.publicJwk]
  const platform = { ...samplePlatform, audience: AUDIENCE, services, plans, contextKeys }
  await feed.publish({
    platform: platform as typeof samplePlatform,
    tenants: [tenantConfig('acme')],
  })
  const kept = join(directory, 'kept')
  const follower = await SnapshotFollower.open({
    directory: kept,
    keys: [key.publicJwk],
    database: feed.store,
  })
  await until(() => {
    try {
      return follower.current().version > 0
    } catch {
      return false
    }
  })
  await follower.close()
  // One more than there are at any time.
  for (let number = 1; number <= WORKERS + 1; number += 1) {
    const name = `worker-${number}`
    await cp(kept, join(directory, 'snapshot', name), { recursive: true })
    const revocations = join(directory, 'revocations', name)
    await mkdir(revocations, { recursive: true })
    await new RevocationFile(revocations).write({ entries: [], freshAtMs: Date.now() })
  }
}

async function putCertificate(): Promise<void> {
  const { chain, key } = await selfSigned([HOST])
  const next = `${certificates}.next`
  await mkdir(next, { recursive: true })
  await writeFile(join(next, 'fullchain.pem'), chain)
  await writeFile(join(next, 'privkey.pem'), key)
  await mkdir(certificates, { recursive: true })
  await rename(join(certificates, HOST), `${certificates}.${Date.now()}`).catch(() => undefined)
  await rename(next, join(certificates, HOST))
}

interface Heard {
  readonly status: number
  /** Of its certificate; a session that was resumed says nothing of it. */
  readonly fingerprint: string | undefined
}

function get(headers: readonly string[], own = agent): Promise<Heard> {
  return new Promise((resolve, reject) => {
    const sending = request(
      {
        ...{ port, host: '127.0.0.1', servername: HOST, path: '/x', agent: own },
        rejectUnauthorized: false,
        headers: ['host', HOST, ...headers],
      },
      (response) => {
        const { socket } = response
        assert.ok(socket instanceof TLSSocket)
        const shown: { readonly fingerprint256?: string } = socket.getPeerCertificate()
        response.on('error', reject)
        response.resume().on('end', () => {
          resolve({ status: response.statusCode ?? 0, fingerprint: shown.fingerprint256 })
        })
      },
    )
    sending.on('error', reject)
    sending.end()
  })
}

async function whileCalled(act: () => Promise<void>) {
  const over = new AbortController()
  const statuses = new Map<string, number>()
  const fingerprints = new Set<string>()
  const headers = ['authorization', `Bearer ${tokenOf('acme')}`]
  const note = (what: string) => statuses.set(what, (statuses.get(what) ?? 0) + 1)
  const callers = Array.from({ length: CALLERS }, async () => {
    while (!over.signal.aborted) {
      try {
        const { status, fingerprint } = await get(headers)
        note(String(status))
        if (fingerprint !== undefined) fingerprints.add(fingerprint)
      } catch (error) {
        note(String(error))
      }
    }
  })
  try {
    await wait(200)
    await act()
  } finally {
    over.abort()
    await Promise.all(callers)
  }
  return { statuses, fingerprints }
}

test(`no request is lost while all workers are replaced ${ROLLS} times, and their certificate twice`, async () => {
  const { statuses, fingerprints } = await whileCalled(async () => {
    for (let roll = 1; roll <= ROLLS; roll += 1) {
      if (roll % 2 === 0) await putCertificate()
      primary.kill('SIGHUP')
      await until(() => count('workers-replaced') === roll)
    }
  })
  assert.deepEqual([...statuses.keys()], ['200'], JSON.stringify([...statuses]))
  assert.ok((statuses.get('200') ?? 0) > 500)
  assert.equal(fingerprints.size, 3)
})

test(`when workers are killed only what was under way with them is lost, ${KILLS} times`, async () => {
  const { statuses } = await whileCalled(async () => {
    for (let kill = 0; kill < KILLS; kill += 1) {
      const ready = count('worker-ready')
      const pids = await workersOf(primary.pid ?? 0)
      process.kill(pids[kill % pids.length] ?? 0, 'SIGKILL')
      await until(() => count('worker-ready') === ready + 1)
    }
  })
  const lost = [...statuses].filter(([what]) => what !== '200')
  const number = lost.reduce((sum, [, times]) => sum + times, 0)
  assert.ok(number <= KILLS * CALLERS, JSON.stringify(lost))
  for (const [what] of lost) assert.match(what, /ECONNRESET|socket hang up|disconnected/)
})

async function workersOf(parent: number): Promise<readonly number[]> {
  const text = await readFile(`/proc/${parent}/task/${parent}/children`, 'utf8')
  return text.trim().split(' ').map(Number)
}

test('a proof of possession is good once, whichever worker it comes to', async () => {
  const token = tokenOf('acme', BOUND)
  const headers = presenting(token, proofFor(token, `https://${HOST}/x`))
  const answers = await Promise.all(
    Array.from({ length: 12 }, () => get(headers, new Agent({ keepAlive: false }))),
  )
  const served = answers.filter(({ status }) => status === 200)
  assert.equal(served.length, 1)
  assert.equal(answers.filter(({ status }) => status === 401).length, 11)
})
