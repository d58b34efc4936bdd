import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:http'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { stringify } from 'yaml'
import { localAccess } from '../src/cli/control-access.ts'
import { ControlClient } from '../src/cli/control-client.ts'
import { parseSubject } from '../src/core/names.ts'
import { parseTenantId } from '../src/core/tenant.ts'
import { freePort } from '../src/platform/ports.ts'
import { tryToken } from '../src/platform/try-token.ts'

const START_WITHIN_MS = 150_000
const HOST = '127.0.0.1'

export interface Up {
  readonly child: ChildProcess
  readonly output: () => string
  readonly exited: Promise<number | null>
}

/** How a command ended, and what it wrote: to both outputs, and to the standard one alone. */
export interface Ran {
  readonly code: number | null
  readonly output: string
  readonly out: string
}

export interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** A platform with the clinic on one cell, in a directory with a space in its path. */
export interface TrialPlatform {
  readonly state: string
  /** Starts `ringfence up` and waits until it says that it is ready. */
  up(): Promise<Up>
  client(): ControlClient
  /** Runs a `ringfence` command to its end. */
  run(...args: string[]): Promise<Ran>
  /** An access token of the tenant's realm. */
  token(tenant: string, roles?: readonly string[]): Promise<string>
  /** The clinic's list, at the tenant's door. */
  get(tenant: string, token: string): Promise<Response>
  /** Anything at a tenant's door. */
  ask(tenant: string, path: string, token: string, init?: Asked): Promise<Response>
  /** What the platform's webhook for alerts was sent until now. */
  alerts(): readonly string[]
  /** Processes whose command line names the state directory: planes and servers. */
  processes(): readonly number[]
  commandOf(pid: number): string
  remove(): void
}

export async function trialPlatform(): Promise<TrialPlatform> {
  const directory = mkdtempSync(join(tmpdir(), 'ringfence up '))
  const state = join(directory, 'state')
  const manifest = join(directory, 'platform.yaml')
  const alerts: string[] = []
  const receiver = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    request.on('end', () => {
      alerts.push(text)
      response.end()
    })
  })
  await new Promise<void>((done) => receiver.listen(0, HOST, done))
  const secret = join(directory, 'webhook-secret')
  writeFileSync(secret, `whsec_${Buffer.alloc(32, 7).toString('base64')}`, { mode: 0o600 })
  const { port } = receiver.address() as AddressInfo
  const sink = { kind: 'webhook', name: 'security', url: `http://${HOST}:${port}/` }
  writeFileSync(manifest, stringify(await document([{ ...sink, secretFiles: [secret] }])))
  const running = new Set<ChildProcess>()
  let gateway = ''
  const processes = () => processesOf(state)
  const ask: TrialPlatform['ask'] = (tenant, path, token, init = {}) =>
    fetch(`${gateway}/t/${tenant}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${token}`, ...init.headers },
    })
  return {
    state,
    async up() {
      const up = await start(manifest, state, running)
      gateway = /^gateway (http\S+)$/m.exec(up.output())?.[1] ?? ''
      return up
    },
    client: () => new ControlClient(localAccess(state)),
    run,
    token: (tenant, roles = []) =>
      tryToken(state, parseTenantId(tenant), {
        subject: parseSubject('tester'),
        scopes: ['read', 'write'],
        roles,
      }),
    ask,
    get: (tenant, token) => ask(tenant, '/appointments?limit=1', token),
    alerts: () => alerts,
    processes,
    commandOf,
    remove() {
      receiver.close()
      receiver.closeAllConnections()
      for (const child of running) child.kill('SIGKILL')
      for (const pid of processes()) process.kill(pid, 'SIGKILL')
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

async function document(alerts: readonly object[]): Promise<object> {
  const port = String(await freePort(HOST))
  const tenant = { region: 'eu', plan: 'standard' }
  return {
    apiVersion: 'ringfence.dev/v1',
    kind: 'Platform',
    metadata: { name: 'trial' },
    spec: {
      application: resolve('examples/clinic/ringfence.yaml'),
      listen: {
        gateway: { port: 0 },
        control: { port: 0 },
        identity: { port: 0 },
        records: { port: 0 },
      },
      // Callers' addresses are what a proxy on this machine says.
      gateway: { trustedProxies: { ranges: ['127.0.0.0/8'] } },
      alerts,
      cells: [{ name: 'eu-1', region: 'eu' }],
      services: [{ name: 'clinic', upstream: `http://${HOST}:${port}` }],
      workloads: [{ client: 'clinic-web', service: 'clinic' }],
      tenants: [
        { ...tenant, id: 'acme', tier: 'pooled', displayName: 'Acme' },
        {
          ...{ ...tenant, id: 'globex', tier: 'bridge', displayName: 'Globex' },
          hosts: ['globex.trial.example'],
        },
        { ...tenant, id: 'initech', tier: 'silo', displayName: 'Initech' },
      ],
      processes: [
        {
          name: 'clinic',
          command: ['node', resolve('examples/clinic/app/main.ts')],
          workload: 'clinic-web',
          environment: { PORT: port },
          ready: '"event":"listening"',
        },
      ],
    },
  }
}

async function start(manifest: string, state: string, running: Set<ChildProcess>): Promise<Up> {
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

async function run(...args: string[]): Promise<Ran> {
  const child = spawn(process.execPath, ['src/main.ts', ...args])
  let output = ''
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
    out += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, output, out }
}

function processesOf(place: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(Number)
    .filter((pid) => commandOf(pid).includes(place))
}

/** The command line, its parts with a NUL byte after each; empty when the process is gone. */
function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

export function childrenOf(parent: number): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return / [A-Z] (\d+) /.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1] === `${parent}`
      } catch {
        return false
      }
    })
}

export async function eventually(what: string, check: () => Promise<boolean>): Promise<void> {
  let trouble: unknown
  for (let tries = 0; tries < 300; tries += 1) {
    try {
      if (await check()) return
      trouble = undefined
    } catch (error) {
      trouble = error
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  assert.fail(`never happened: ${what}: ${String(trouble)}`)
}
