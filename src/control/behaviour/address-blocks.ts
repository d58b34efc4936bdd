import { messageOf } from '../../core/errors.ts'
import type { Database } from '../database.ts'
import type { PlatformPublisher } from '../platform-publisher.ts'
import { Rounds } from '../rounds.ts'

/**
 * Whoever calls from many networks could have the platform published all the time, and every gateway
 * makes its compiled forms anew then. Milliseconds.
 */
const EVERY_MS = 2_000
const AGAIN_MS = 10_000

export interface AddressBlocksParts {
  readonly database: Database
  readonly publisher: PlatformPublisher
  readonly log: (line: string) => void
  /** Milliseconds between two looks. Default 2 s. */
  readonly everyMs?: number
}

/** Publishes which networks are blocked, so that gateways know it. Any control process may do it. */
export class AddressBlocks {
  readonly #parts: AddressBlocksParts
  readonly #rounds = new Rounds(() => this.#round())
  #said = '?'

  constructor(parts: AddressBlocksParts) {
    this.#parts = parts
  }

  start(): void {
    this.#rounds.start()
  }

  stop(): Promise<void> {
    return this.#rounds.stop()
  }

  /** Says what is blocked now, if it is something else than what this process has said. */
  async publish(): Promise<void> {
    const { database, publisher } = this.#parts
    const [row] = await database.query<{ said: string }>(
      `select coalesce(string_agg(concat(network, ' ', until), ',' order by network), '') as said
         from registry.address_block where until > clock_timestamp()`,
    )
    const said = row?.said ?? ''
    if (said === this.#said) return
    // What was said before this process began may be over.
    await publisher.publishNow(database)
    this.#said = said
  }

  async #round(): Promise<number> {
    const { everyMs = EVERY_MS, log } = this.#parts
    try {
      await this.publish()
      return everyMs
    } catch (error) {
      log(`address blocks: ${messageOf(error)}`)
      return Math.max(AGAIN_MS, everyMs)
    }
  }
}
