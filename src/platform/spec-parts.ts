import { z } from 'zod'
import { natsSchema } from '../revocation/nats-settings.ts'
import { REVOCATIONS_LIMIT_SECONDS } from '../revocation/revocation-follower.ts'
import { publicJwkSchema } from '../tokens/public-jwk.ts'

/** What the configurations of several planes hold. */

export const database = z.strictObject({
  host: z.string().min(1),
  port: z.int().min(1).max(65_535),
  user: z.string().min(1),
  database: z.string().min(1),
  passwordFile: z.string().min(1),
  ssl: z.boolean().default(false),
})

export const listen = z.union([
  z.strictObject({ socket: z.string().min(1) }),
  z.strictObject({ host: z.string().min(1), port: z.int().min(0).max(65_535) }),
])

/** `unix:/path` or a URL. */
export const address = z.string().regex(/^(?:unix:\/|https?:\/\/)/)

/** An address or a name, and a port, where the platform itself listens: `10.20.0.7:8081`. */
export const listener = z.string().regex(/^[^\s/]+:\d{1,5}$/)

/** Where a plane keeps the configuration that it serves from, and who may have signed it. */
export const configuration = z.strictObject({
  directory: z.string().min(1),
  keys: z.array(publicJwkSchema).min(1),
  /** Seconds after the control plane's last word at which it serves nobody. */
  staleAfterSeconds: z.int().min(1).default(86_400),
})

/** Where a plane keeps what it knows of revocations. */
export const revocations = z.strictObject({
  directory: z.string().min(1),
  /** Seconds without proof that it has missed none, after which it serves nobody: `docs/revocation.md`. */
  limitSeconds: z.int().min(1).max(3_600).default(REVOCATIONS_LIMIT_SECONDS),
  /** A bell beside the database's own notifications. */
  nats: natsSchema.exactOptional(),
})
