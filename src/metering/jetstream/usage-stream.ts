import { readFile } from 'node:fs/promises'
import {
  AckPolicy,
  type Consumer,
  jetstream,
  type JetStreamClient,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from '@nats-io/jetstream'
import {
  connect,
  credsAuthenticator,
  nanos,
  type NatsConnection,
  type NodeConnectionOptions,
} from '@nats-io/transport-node'
import { z } from 'zod'
import { messageOf, RingfenceError } from '../../core/errors.ts'

const CONNECT_MS_MAX = 5_000
const ACK_WAIT_MS = 60_000
/** Within it the stream itself drops what comes twice. What comes later the store knows. */
const DUPLICATE_MS = 120_000
const DURABLE = 'ringfence-usage'
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

/** The stream and its one consumer, made when they are not there. */
export interface UsageStream {
  readonly connection: NatsConnection
  readonly client: JetStreamClient
  readonly subject: string
  readonly consumer: Consumer
}

/** @throws RingfenceError `engine_unavailable` */
export async function openUsageStream(settings: UsageStreamSettings): Promise<UsageStream> {
  const { servers, stream, replicas } = settings
  let connection: NatsConnection | undefined
  try {
    connection = await connect({
      name: 'ringfence usage',
      servers: servers.map((server) => new URL(server).host),
      timeout: CONNECT_MS_MAX,
      // For as long as it takes: what waits meanwhile is bounded by whoever hands it over.
      maxReconnectAttempts: -1,
      ...(await tlsOf(settings)),
      ...(await loginOf(settings)),
    })
    const manager = await jetstreamManager(connection)
    const subject = stream.toLowerCase()
    await manager.streams.add({
      name: stream,
      subjects: [subject],
      storage: StorageType.File,
      // It goes when it is in the store, and not before.
      retention: RetentionPolicy.Workqueue,
      duplicate_window: nanos(DUPLICATE_MS),
      num_replicas: replicas,
    })
    await manager.consumers.add(stream, {
      durable_name: DURABLE,
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(ACK_WAIT_MS),
      max_deliver: -1,
    })
    const client = jetstream(connection)
    const consumer = await client.consumers.get(stream, DURABLE)
    return { connection, client, subject, consumer }
  } catch (error) {
    await connection?.close().catch(() => undefined)
    throw new RingfenceError('engine_unavailable', 'the stream of usage cannot be reached', {
      detail: messageOf(error),
      cause: error,
    })
  }
}

/** With an object the client refuses a server without TLS, before it says who it is. */
async function tlsOf({ servers, caFile }: UsageStreamSettings): Promise<NodeConnectionOptions> {
  if (!servers.every((server) => server.startsWith('tls:'))) return { tls: null }
  return { tls: caFile === undefined ? {} : { ca: await readFile(caFile, 'utf8') } }
}

async function loginOf(settings: UsageStreamSettings): Promise<NodeConnectionOptions> {
  const { credentialsFile, user, passwordFile } = settings
  if (credentialsFile !== undefined) {
    return { authenticator: credsAuthenticator(await readFile(credentialsFile)) }
  }
  if (user === undefined || passwordFile === undefined) return {}
  return { user, pass: (await readFile(passwordFile, 'utf8')).trim() }
}
