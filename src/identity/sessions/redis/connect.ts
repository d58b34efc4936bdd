import { Redis } from 'ioredis'
import type { RedisServer } from '../../../redis/redis-server.ts'

const CONNECT_MS = 2_000
const COMMAND_MS = 2_000

export interface RedisLogin {
  readonly username: string
  readonly password: string
}

/**
 * One connection, as one user. It fails fast and does not come back by itself: who it was for may be
 * somebody else by then. Rejects with what the client library says.
 */
export async function connect(server: RedisServer, login: RedisLogin): Promise<Redis> {
  const redis = new Redis({
    ...server,
    ...login,
    lazyConnect: true,
    connectTimeout: CONNECT_MS,
    commandTimeout: COMMAND_MS,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    // It would ask with INFO, which nobody here may.
    enableReadyCheck: false,
    disableClientInfo: true,
  })
  // Without a listener a broken connection would end the process. Who uses it is told by the command.
  let said: unknown
  redis.on('error', (error: unknown) => {
    said ??= error
  })
  try {
    await redis.connect()
    return redis
  } catch (error) {
    redis.disconnect()
    throw said ?? error
  }
}
