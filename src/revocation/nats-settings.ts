import { z } from 'zod'

/** How the bell of revocations is reached. Secrets are named by their files. */
export const natsSchema = z.strictObject({
  /** `nats://host:4222`, or `tls://…`. */
  servers: z.array(z.url({ protocol: /^(?:nats|tls)$/ })).min(1),
  subject: z
    .string()
    .regex(/^[a-z0-9-]+(?:\.[a-z0-9-]+)*$/)
    .default('ringfence.revocation'),
  /** Holds a token. */
  tokenFile: z.string().min(1).exactOptional(),
  /** Holds a user's JWT and seed, as NATS writes them. */
  credentialsFile: z.string().min(1).exactOptional(),
  /** Holds the certificates of whoever may vouch for the server. */
  caFile: z.string().min(1).exactOptional(),
})

export type NatsSettings = z.output<typeof natsSchema>
