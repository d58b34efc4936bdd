import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  connect,
  credsAuthenticator,
  type NatsConnection,
  type NodeConnectionOptions,
} from '@nats-io/transport-node'
import type { NatsSettings } from './nats-settings.ts'

const CONNECT_MS_MAX = 5_000
const PING_MS = 10_000
/** Waited for what is still to be sent. */
const DRAIN_MS_MAX = 1_000

/** One connection to one server, until it ends. */
export interface NatsLink {
  /** Sends a message without content. @throws when it has ended */
  send(subject: string): void
  /** Calls `onMessage` at each message, whatever is in it. Resolves when the server has heard of it. */
  hear(subject: string, onMessage: () => void): Promise<void>
  /** Resolves when it has ended, with why if that is known. */
  readonly ended: Promise<unknown>
  /** Sends what is to be sent, then ends. */
  close(): Promise<void>
}

/** @param onRefused told of what the server does not permit */
export type OpenNatsLink = (
  settings: NatsSettings,
  server: string,
  onRefused: (error: Error) => void,
) => Promise<NatsLink>

/**
 * Connects once. The client's own reconnecting is not used: it would keep in memory, without bound,
 * what is sent meanwhile, and give up where a password is refused twice.
 */
export const openNatsLink: OpenNatsLink = async (settings, server, onRefused) => {
  const connection = await connect({
    name: 'ringfence revocation',
    servers: [new URL(server).host],
    reconnect: false,
    ignoreClusterUpdates: true,
    timeout: CONNECT_MS_MAX,
    pingInterval: PING_MS,
    ...(await tlsOf(settings, server)),
    ...(await loginOf(settings)),
  })
  void watch(connection, onRefused)
  return {
    send: (subject) => connection.publish(subject),
    async hear(subject, onMessage) {
      connection.subscribe(subject, {
        callback: (error) => {
          if (error === null) onMessage()
        },
      })
      await connection.flush()
    },
    ended: connection.closed(),
    async close() {
      await Promise.race([connection.drain(), sleep(DRAIN_MS_MAX, undefined, { ref: false })])
      await connection.close()
    },
  }
}

async function watch(connection: NatsConnection, onRefused: (error: Error) => void): Promise<void> {
  for await (const status of connection.status()) {
    if (status.type === 'error') onRefused(status.error)
  }
}

/** With an object the client refuses a server without TLS, before it says who it is. */
async function tlsOf({ caFile }: NatsSettings, server: string) {
  if (!server.startsWith('tls:')) return { tls: null }
  return { tls: caFile === undefined ? {} : { ca: await readFile(caFile, 'utf8') } }
}

async function loginOf(settings: NatsSettings): Promise<NodeConnectionOptions> {
  const { credentialsFile, user, passwordFile } = settings
  if (credentialsFile !== undefined) {
    return { authenticator: credsAuthenticator(await readFile(credentialsFile)) }
  }
  if (user === undefined || passwordFile === undefined) return {}
  return { user, pass: (await readFile(passwordFile, 'utf8')).trim() }
}
