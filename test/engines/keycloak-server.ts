import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const ADMIN = { username: 'admin', password: 'admin-of-this-test-only' }
/** A first start builds itself; on a busy machine that takes minutes. */
const START_MS_MAX = 420_000
const POLL_MS = 500

/** A Keycloak on loopback that holds everything in memory. */
export interface Keycloak {
  readonly origin: string
  /** Calls the administration API, `/realms/x/clients`. Throws for any refusal. */
  administer(method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown>
  stop(): Promise<void>
}

/** @param distribution an unpacked Keycloak; it is copied, since it writes into itself */
export async function startKeycloak(distribution: string): Promise<Keycloak> {
  const directory = mkdtempSync(join(tmpdir(), 'rf-keycloak-'))
  cpSync(distribution, directory, { recursive: true })
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const lines: string[] = []
  const child = spawn(
    join(directory, 'bin', 'kc.sh'),
    [
      'start-dev',
      '--db=dev-mem',
      '--http-host=127.0.0.1',
      `--http-port=${port}`,
      '--features-disabled=organization',
    ],
    {
      // A group of its own: the script starts Java as a child.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        KC_BOOTSTRAP_ADMIN_USERNAME: ADMIN.username,
        KC_BOOTSTRAP_ADMIN_PASSWORD: ADMIN.password,
        JAVA_OPTS_APPEND: '-Xmx768m -XX:TieredStopAtLevel=1',
      },
    },
  )
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      lines.push(chunk.toString())
      lines.splice(0, lines.length - 200)
    })
  }
  const stop = async () => {
    await ended(child)
    rmSync(directory, { recursive: true, force: true, maxRetries: 10 })
  }
  try {
    await answering(origin, child)
  } catch (error) {
    await stop()
    throw new Error(`Keycloak does not start:\n${lines.join('')}`, { cause: error })
  }
  return { origin, stop, administer: (...call) => administer(origin, ...call) }
}

async function administer(origin: string, method: string, path: string, body?: unknown) {
  const token = await post(`${origin}/realms/master/protocol/openid-connect/token`, {
    ...ADMIN,
    grant_type: 'password',
    client_id: 'admin-cli',
  })
  const isXml = typeof body === 'string'
  const response = await fetch(`${origin}/admin${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': isXml ? 'text/plain' : 'application/json' }),
    },
    ...(body === undefined ? {} : { body: isXml ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return text === '' ? undefined : (JSON.parse(text) as unknown)
}

async function post(url: string, form: Readonly<Record<string, string>>): Promise<string> {
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams(form) })
  const answer = (await response.json()) as { readonly access_token?: string }
  if (answer.access_token === undefined) throw new Error(`no administrator: ${response.status}`)
  return answer.access_token
}

async function answering(origin: string, child: ChildProcess): Promise<void> {
  const until = Date.now() + START_MS_MAX
  for (;;) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`)
    if (Date.now() > until) throw new Error('it took too long')
    const there = await fetch(`${origin}/realms/master`).then(
      (response) => response.ok,
      () => false,
    )
    if (there) return
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.pid === undefined) return Promise.resolve()
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  process.kill(-child.pid, 'SIGKILL')
  return gone
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
