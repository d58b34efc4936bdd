import { z } from 'zod'

/** Without TLS only where nobody listens: this machine. */
const LOOPBACK = /^nats:\/\/(?:127\.0\.0\.1|\[::1\]|localhost)(?::\d{1,5})?$/
const TLS = /^tls:\/\/[A-Za-z0-9.-]{1,253}(?::\d{1,5})?$/

/** How the stream of usage is reached. Secrets are named by their files. */
export const usageStreamSchema = z.strictObject({
  /** `tls://name:4222`, or `nats://127.0.0.1:4222` on this machine. */
  servers: z
    .array(
      z
        .string()
        .refine((one) => TLS.test(one) || LOOPBACK.test(one), 'tls://name:port, or nats:// here'),
    )
    .min(1)
    .max(16),
  /** The stream's name, and its subject in lower case. */
  stream: z
    .string()
    .regex(/^[A-Z][A-Z0-9_]{0,31}$/)
    .default('RINGFENCE_USAGE'),
  /** Copies of each message, in a cluster. */
  replicas: z.int().min(1).max(5).default(1),
  credentialsFile: z.string().min(1).exactOptional(),
  user: z.string().min(1).exactOptional(),
  passwordFile: z.string().min(1).exactOptional(),
  /** PEM, in place of the machine's own authorities. */
  caFile: z.string().min(1).exactOptional(),
})
export type UsageStreamSettings = z.output<typeof usageStreamSchema>
