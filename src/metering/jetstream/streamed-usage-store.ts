import { setTimeout as sleep } from 'node:timers/promises'
import type { JsMsg } from '@nats-io/jetstream'
import { z } from 'zod'
import { messageOf, RingfenceError } from '../../core/errors.ts'
import { contentHash, eventKey } from '../../usage/event-key.ts'
import { usageEventSchema } from '../../usage/usage-event.ts'
import type { Fate, ReceivedEvent, UsageStore } from '../../usage/usage-store.ts'
import { openUsageStream, type UsageStream } from './usage-stream.ts'
import type { UsageStreamSettings } from './usage-stream-settings.ts'

const UNDER_WAY_MAX = 10_000
const BATCH_MESSAGES = 1_000
const FETCH_MS = 1_000
const RETRY_MS = 500
const PUBLISH_MS_MAX = 10_000

const messageSchema = z.union([
  z.strictObject({ event: usageEventSchema, reporter: z.string() }),
  z.strictObject({ sender: z.string(), completeTo: z.iso.datetime() }),
])
type Message = z.output<typeof messageSchema>

/** Keeps other processes from consuming while one does: what senders say must not overtake their events. */
export type ConsumeAlone = (work: (signal: AbortSignal) => Promise<void>) => Promise<void>

export interface StreamedUsageOptions {
  readonly settings: UsageStreamSettings
  /** Where events are in the end. What comes from the stream twice is written once there. */
  readonly store: UsageStore
  readonly alone: ConsumeAlone
  readonly log: (line: string) => void
}

/**
 * Usage by way of a JetStream stream: who hands it over is answered when the stream has it on its disk, and
 * it leaves the stream when the store has committed it.
 */
export class StreamedUsageStore implements UsageStore {
  readonly #stream: UsageStream
  readonly #options: StreamedUsageOptions
  readonly #closing = new AbortController()
  readonly #consuming: Promise<void>
  #underWay = 0

  private constructor(stream: UsageStream, options: StreamedUsageOptions) {
    this.#stream = stream
    this.#options = options
    this.#consuming = this.#consume()
  }

  /** @throws RingfenceError `engine_unavailable` */
  static async open(options: StreamedUsageOptions): Promise<StreamedUsageStore> {
    return new StreamedUsageStore(await openUsageStream(options.settings), options)
  }

  /** `duplicate` only of what came a moment ago: what else is one the store finds out later. */
  async add(events: readonly ReceivedEvent[]): Promise<readonly Fate[]> {
    if (this.#underWay + events.length > UNDER_WAY_MAX) {
      throw new RingfenceError('overloaded', 'too many events wait for the stream')
    }
    this.#underWay += events.length
    try {
      return await Promise.all(
        events.map(async (received): Promise<Fate> => {
          const { tenantid, source, id } = received.event
          // With the content: another one under the same name is for the store to judge.
          const name = `${eventKey(tenantid, source, id)} ${contentHash(received.event)}`
          return (await this.#publish(received, name)) ? 'duplicate' : 'accepted'
        }),
      )
    } finally {
      this.#underWay -= events.length
    }
  }

  /** In the stream too, behind the events that it speaks of. */
  async completeTo(sender: string, time: Date): Promise<void> {
    await this.#publish({ sender, completeTo: time.toISOString() })
  }

  /** What is in the stream stays there. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#consuming
    await this.#stream.connection.close()
  }

  async #publish(message: object, msgID?: string): Promise<boolean> {
    const { client, subject } = this.#stream
    try {
      const options = { timeout: PUBLISH_MS_MAX, ...(msgID === undefined ? {} : { msgID }) }
      return (await client.publish(subject, JSON.stringify(message), options)).duplicate
    } catch (error) {
      throw new RingfenceError('engine_unavailable', 'the stream of usage cannot be reached', {
        detail: messageOf(error),
        cause: error,
      })
    }
  }

  async #consume(): Promise<void> {
    const { alone, log } = this.#options
    const { signal } = this.#closing
    while (!signal.aborted) {
      try {
        await alone(async (lost) => {
          while (!signal.aborted && !lost.aborted) await this.#round()
        })
      } catch (error) {
        if (signal.aborted) return
        log(`usage is not taken from the stream: ${messageOf(error)}`)
        await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined)
      }
    }
  }

  /** Messages are acknowledged after the commit: whoever is killed before gets them again. */
  async #round(): Promise<void> {
    const fetched = await this.#stream.consumer.fetch({
      max_messages: BATCH_MESSAGES,
      expires: FETCH_MS,
    })
    const messages: JsMsg[] = []
    for await (const message of fetched) messages.push(message)
    if (messages.length === 0) return
    const read = messages.map((message) => ({ message, content: this.#read(message) }))
    try {
      await this.#keep(read.flatMap(({ content }) => content ?? []))
    } catch (error) {
      for (const { message } of read) message.nak(RETRY_MS)
      throw error
    }
    for (const { message } of read) message.ack()
  }

  async #keep(contents: readonly Message[]): Promise<void> {
    const { store } = this.#options
    await store.add(contents.flatMap((one) => ('event' in one ? [one] : [])))
    for (const one of contents) {
      if ('sender' in one) await store.completeTo(one.sender, new Date(one.completeTo))
    }
  }

  /** What is no message of ours nobody was answered for. */
  #read(message: JsMsg): Message | undefined {
    const read = messageSchema.safeParse(jsonOf(message.string()))
    if (!read.success) this.#options.log('the stream of usage has a message of somebody else')
    return read.data
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
