import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  connect,
  credsAuthenticator,
  type NatsConnection,
  type NodeConnectionOptions,
} from '@nats-io/transport-node'
import { messageOf, RingfenceError } from '../core/errors.ts'
import type { Bell, OpenBell } from './bell.ts'
import type { NatsSettings } from './nats-settings.ts'

const RETRY_MS = 1_000
const CONNECT_MS_MAX = 5_000

/** A bell on NATS: one subject, on which messages without content are rings. */
export function natsBell(settings: NatsSettings): OpenBell {
  return (onRing, onTrouble) => new NatsBell(settings, onRing, onTrouble)
}

class NatsBell implements Bell {
  readonly #settings: NatsSettings
  readonly #onRing: () => void
  readonly #onTrouble: (error: RingfenceError) => void
  readonly #closing = new AbortController()
  readonly #running: Promise<void>
  #connection: NatsConnection | undefined

  constructor(
    settings: NatsSettings,
    onRing: () => void,
    onTrouble: (error: RingfenceError) => void,
  ) {
    this.#settings = settings
    this.#onRing = onRing
    this.#onTrouble = onTrouble
    this.#running = this.#run()
  }

  ring(): void {
    try {
      this.#connection?.publish(this.#settings.subject)
    } catch {
      // It is about to be closed. Who listens looks by itself as well.
    }
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#connection?.close()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      try {
        await this.#listen()
      } catch (error) {
        this.#onTrouble(unheard(messageOf(error), error))
      }
      const pause = RETRY_MS * (0.5 + Math.random())
      if (!signal.aborted) await sleep(pause, undefined, { signal }).catch(() => {})
    }
  }

  /** Until the connection is closed for good. */
  async #listen(): Promise<void> {
    const connection = await connect(await optionsOf(this.#settings))
    this.#connection = connection
    // Closed while it was being made: nobody else knows of it.
    if (this.#closing.signal.aborted) await connection.close()
    connection.subscribe(this.#settings.subject, { callback: () => this.#onRing() })
    // It may have been rung before.
    this.#onRing()
    for await (const { type } of connection.status()) {
      if (type === 'reconnect') this.#onRing()
      if (type === 'disconnect') this.#onTrouble(unheard('the connection was lost'))
    }
    const error = await connection.closed()
    if (error !== undefined) throw error
  }
}

async function optionsOf(settings: NatsSettings): Promise<NodeConnectionOptions> {
  const { servers, tokenFile, credentialsFile, caFile } = settings
  const token = tokenFile === undefined ? undefined : (await readFile(tokenFile, 'utf8')).trim()
  const credentials = credentialsFile === undefined ? undefined : await readFile(credentialsFile)
  return {
    name: 'ringfence revocation',
    servers,
    timeout: CONNECT_MS_MAX,
    maxReconnectAttempts: -1,
    ...(token === undefined ? {} : { token }),
    ...(credentials === undefined ? {} : { authenticator: credsAuthenticator(credentials) }),
    ...(caFile === undefined ? {} : { tls: { caFile } }),
  }
}

function unheard(detail: string, cause?: unknown): RingfenceError {
  return new RingfenceError('engine_unavailable', 'the bell of revocations cannot be heard', {
    detail,
    cause,
  })
}
