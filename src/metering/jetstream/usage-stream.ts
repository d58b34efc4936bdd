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
import { messageOf, RingfenceError } from '../../core/errors.ts'
import type { UsageStreamSettings } from './usage-stream-settings.ts'

const CONNECT_MS_MAX = 5_000
const ACK_WAIT_MS = 60_000
/** Within it the stream itself drops what comes twice. What comes later the store knows. */
const DUPLICATE_MS = 120_000
const DURABLE = 'ringfence-usage'

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
