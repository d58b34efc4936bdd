import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { type RedisSettings, redisSchema } from './redis-settings.ts'

const MANAGER = 'ringfence'
const TRIES = 200

/** A Redis server of a test's own, on a socket, with the user who manages the realms' users. */
export interface RedisServer {
  readonly settings: RedisSettings
  /** As its administrator sees it. */
  readonly admin: Redis
  /** Ends it at once. What was saved is there when it starts again. */
  kill(): Promise<void>
  start(): Promise<void>
  stop(): Promise<void>
}

/**
 * @param more options of the command line
 * @param url in place of the socket
 */
export async function startRedis(
  more: readonly string[] = [],
  url?: { readonly url: string; readonly caFile: string },
): Promise<RedisServer> {
  const directory = mkdtempSync(join(tmpdir(), 'rf-redis-'))
  const socket = join(directory, 'socket')
  const passwordFile = join(directory, 'password')
  const password = randomBytes(16).toString('hex')
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 })
  const hash = createHash('sha256').update(password).digest('hex')
  const manager = `${MANAGER} on #${hash} resetkeys resetchannels -@all +acl|setuser +acl|deluser`
  const settings = redisSchema.parse({
    url: `unix:${socket}`,
    ...url,
    user: MANAGER,
    passwordFile,
  })
  let child: ChildProcess | undefined
  const admin = new Redis({ path: socket, lazyConnect: true, retryStrategy: () => 20 })
  admin.on('error', () => {})
  const kill = async () => {
    if (child?.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  const start = async () => {
    const options = ['--port', '0', '--unixsocket', socket, '--dir', directory, '--save', '']
    child = spawn(
      process.env['RINGFENCE_TEST_REDIS'] ?? 'redis-server',
      [...options, '--user', ...manager.split(' '), ...more],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    )
    await answers(admin)
  }
  await start()
  return {
    settings,
    admin,
    kill,
    start,
    async stop() {
      admin.disconnect()
      await kill()
      rmSync(directory, { recursive: true, force: true, maxRetries: 10 })
    },
  }
}

async function answers(redis: Redis): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      if (redis.status === 'wait' || redis.status === 'end') await redis.connect()
      await redis.ping()
      return
    } catch (error) {
      if (tries === TRIES) throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}
