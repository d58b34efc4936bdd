import { z } from 'zod'
import { redisServerShape } from '../../../redis/redis-server.ts'

/**
 * Where sessions are kept in Redis, as a part of the identity plane's configuration. The user manages
 * the realms' users there: it needs `+acl|setuser +acl|deluser` and no key.
 */
export const redisSchema = z.strictObject({
  ...redisServerShape,
  /** How many realms have a connection at once in one process; those used last keep theirs. */
  connectionsMax: z.int().min(1).max(10_000).default(100),
})

export type RedisSettings = z.output<typeof redisSchema>
