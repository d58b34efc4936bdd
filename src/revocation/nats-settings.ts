import { z } from 'zod'

/** Without TLS only where nobody listens: this machine. */
const LOOPBACK = /^nats:\/\/(?:127\.0\.0\.1|\[::1\]|localhost)(?::\d{1,5})?$/
const PLAIN = /^nats:\/\/(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/
/** By name: the client would compare the certificate of an address with the name `localhost`. */
const TLS = /^tls:\/\/(?!\d+(?:\.\d+){3}(?::|$))[A-Za-z0-9.-]{1,253}(?::\d{1,5})?$/

/**
 * How the bell of revocations is reached. Secrets are named by their files, which are read at each
 * connection.
 */
export const natsSchema = z
  .strictObject({
    /** `tls://name:4222`, or `nats://127.0.0.1:4222` on this machine. No password in them. */
    servers: z
      .array(
        z
          .string()
          .refine(
            (server) => TLS.test(server) || PLAIN.test(server),
            'tls://name:port, or nats:// on this machine, without user and password',
          ),
      )
      .min(1)
      .max(16),
    /** Allows `nats://` to other machines: where something else keeps the network safe. */
    plaintextAllowed: z.boolean().default(false),
    /** What subjects begin with. */
    prefix: z
      .string()
      .max(100)
      .regex(/^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/)
      .default('ringfence'),
    /** Holds a user's JWT and seed, as NATS writes them. */
    credentialsFile: z.string().min(1).exactOptional(),
    user: z
      .string()
      .regex(/^[A-Za-z0-9_.-]{1,64}$/)
      .exactOptional(),
    passwordFile: z.string().min(1).exactOptional(),
    /** PEM, in place of the machine's own authorities. */
    caFile: z.string().min(1).exactOptional(),
  })
  .refine(
    ({ servers, plaintextAllowed }) =>
      plaintextAllowed || servers.every((server) => TLS.test(server) || LOOPBACK.test(server)),
    { path: ['servers'], error: 'another machine is reached over TLS: tls://name:port' },
  )
  .refine(({ user, passwordFile }) => (user === undefined) === (passwordFile === undefined), {
    path: ['user'],
    error: 'user and passwordFile belong together',
  })
  .refine(({ user, credentialsFile }) => user === undefined || credentialsFile === undefined, {
    path: ['credentialsFile'],
    error: 'either credentialsFile, or user and passwordFile',
  })

export type NatsSettings = z.output<typeof natsSchema>
