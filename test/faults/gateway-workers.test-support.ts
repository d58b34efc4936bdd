import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { cp, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { selfSigned } from '../../src/edge/self-signed.ts'
import { Feed } from '../../src/front-door/house/feed.ts'
import { AUDIENCE, contextKey, tenantConfig } from '../../src/gateway/door.test-support.ts'
import { freePort } from '../../src/platform/ports.ts'
import { planeDocument } from '../../src/platform/plane-config.ts'
import { RevocationFile } from '../../src/revocation/revocation-file.ts'
import { samplePlatform } from '../../src/snapshot/sample.test-support.ts'
import { SnapshotFollower } from '../../src/snapshot/snapshot-follower.ts'
import { SigningKey } from '../../src/tokens/signing-key.ts'

/** The host whose certificate there is. */
export const HOST = 'acme.example'
export const WORKERS = 2
/** For what takes a new process to happen. Milliseconds. */
const PATIENCE_MS = 120_000

interface Event {
  readonly event?: string
  readonly worker?: number
}

/** The program itself, with two workers and TLS, while the control database is away. */
export class GatewayWorkers {
  readonly port: number
  readonly #config: string
  readonly #certificates: string
  readonly events: Event[] = []
  #primary: ChildProcess | undefined

  private constructor(port: number, config: string, certificates: string) {
    this.port = port
    this.#config = config
    this.#certificates = certificates
  }

  /** Writes all that it needs below a directory. It is not started yet. */
  static async prepare(
    directory: string,
    serviceUrl: string,
    more: Partial<Parameters<typeof planeDocument<'gateway'>>[1]> = {},
  ): Promise<GatewayWorkers> {
    const port = await freePort('127.0.0.1')
    const recordKey = await SigningKey.create('EdDSA')
    await configuration(directory, recordKey, serviceUrl)
    const config = join(directory, 'gateway.json')
    const certificates = join(directory, 'certificates')
    const secrets = {
      'context.jwk': JSON.stringify(contextKey.privateJwk),
      password: 'none',
      secret: PROXY_SECRET,
    }
    for (const [name, text] of Object.entries(secrets)) {
      await writeFile(join(directory, name), text, { mode: 0o600 })
    }
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
        authorizers: {
          http: { socket: join(directory, 'authorizer.sock') },
          secretFile: join(directory, 'secret'),
        },
        ...more,
      }),
    )
    const made = new GatewayWorkers(port, config, certificates)
    await made.putCertificate()
    return made
  }

  /** Where other proxies ask. */
  get authorizer(): string {
    return this.#config.replace(/gateway\.json$/, 'authorizer.sock')
  }

  count(name: string): number {
    return this.events.filter(({ event }) => event === name).length
  }

  /** On return it serves. */
  async start(): Promise<void> {
    const before = this.count('listening')
    const primary = spawn(
      process.execPath,
      ['src/main.ts', 'serve', 'gateway', '--config', this.#config, '--workers', String(WORKERS)],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    this.#primary = primary
    let text = ''
    primary.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      const lines = text.split('\n')
      text = lines.pop() ?? ''
      for (const line of lines) if (line.startsWith('{"level"')) this.events.push(JSON.parse(line))
    })
    await this.until(() => this.count('listening') === before + 1)
  }

  signal(signal: NodeJS.Signals): void {
    this.#primary?.kill(signal)
  }

  /** On return every worker is another one than before. */
  async roll(): Promise<void> {
    const before = this.count('workers-replaced')
    this.signal('SIGHUP')
    await this.until(() => this.count('workers-replaced') === before + 1)
  }

  /** Kills the first process at once. On return its workers have ended, too. */
  async killFirst(): Promise<void> {
    const workers = await this.workers()
    await this.#ended('SIGKILL')
    await this.until(() => workers.every((pid) => !isAlive(pid)))
  }

  /** Ends it in order. */
  async stop(): Promise<void> {
    assert.equal(await this.#ended('SIGTERM'), 0)
  }

  async #ended(signal: NodeJS.Signals): Promise<unknown> {
    const primary = this.#primary
    if (primary === undefined) return 0
    const ended = new Promise((resolve) => primary.once('exit', resolve))
    primary.kill(signal)
    return ended
  }

  /** The processes that serve. */
  async workers(): Promise<readonly number[]> {
    const pid = this.#primary?.pid ?? 0
    const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
    return text.trim().split(' ').map(Number)
  }

  async until(holds: () => boolean): Promise<void> {
    for (const end = Date.now() + PATIENCE_MS; !holds(); await wait(5)) {
      if (Date.now() > end) throw new Error(`it never came to hold: ${JSON.stringify(this.events)}`)
    }
  }

  /** A new one, in force a second later. */
  async putCertificate(): Promise<void> {
    const directory = this.#certificates
    const { chain, key } = await selfSigned([HOST])
    const next = `${directory}.next`
    await mkdir(next, { recursive: true })
    await writeFile(join(next, 'fullchain.pem'), chain)
    await writeFile(join(next, 'privkey.pem'), key)
    await mkdir(directory, { recursive: true })
    await rename(join(directory, HOST), `${directory}.${Date.now()}`).catch(() => undefined)
    await rename(next, join(directory, HOST))
  }
}

export const PROXY_SECRET = 'a-secret-of-the-tests-0123456789ab'

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** What each worker has kept on its disk of a configuration that was in force before. */
async function configuration(directory: string, key: SigningKey, upstream: string): Promise<void> {
  const feed = new Feed(key)
  const plans = samplePlatform.plans.map((plan) => ({ ...plan, requestsPerMinute: 10 ** 7 }))
  const services = [{ ...samplePlatform.services[0], upstream, prefix: '/' }]
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
  for (;;) {
    try {
      if (follower.current().version > 0) break
    } catch {
      await wait(5)
    }
  }
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
