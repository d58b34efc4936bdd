import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type RedisServer,
  startRedis,
} from '../../src/identity/sessions/redis/redis-server.test-support.ts'
import { type LimitsRedisSettings, limitsRedisSchema } from '../../src/limits/redis/redis-store.ts'

/** What the user of the limits may, as docs/limits.md says it. */
const RIGHTS =
  '~ringfence:limits:* resetchannels -@all +eval +evalsha +get +set +time +zadd +zrem +zremrangebyscore +zcard +pexpire'

export interface LimitsRedis {
  readonly server: RedisServer
  readonly settings: LimitsRedisSettings
  stop(): Promise<void>
}

/** A Redis server in which gateways count together. */
export async function startLimitsRedis(
  change: Partial<LimitsRedisSettings> = {},
): Promise<LimitsRedis> {
  const directory = mkdtempSync(join(tmpdir(), 'rf-limits-'))
  const passwordFile = join(directory, 'password')
  const password = randomBytes(16).toString('hex')
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 })
  const hash = createHash('sha256').update(password).digest('hex')
  const server = await startRedis(['--user', 'limits', 'on', `#${hash}`, ...RIGHTS.split(' ')])
  const { url } = server.settings
  return {
    server,
    settings: limitsRedisSchema.parse({ url, user: 'limits', passwordFile, ...change }),
    async stop() {
      await server.stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
