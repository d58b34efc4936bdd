import { setTimeout as sleep } from 'node:timers/promises'
import type { LogName } from '../../audit/entry.ts'
import { messageOf } from '../../core/errors.ts'
import { askWitnesses, type Witness } from './ask-witnesses.ts'
import type { PostgresLogStore } from './postgres-log-store.ts'
import { ROTATION, rotateDueKeys, type Rotation } from './rotate-key.ts'
import { applyRetention } from './shred.ts'

export interface LogKeeperOptions {
  readonly store: PostgresLogStore
  /** How long after an entry a checkpoint holds it, at most. Default 1 000 ms. */
  readonly signEveryMs?: number
  /** How often witnesses are asked about logs that have grown. Default 60 000 ms. */
  readonly witnessEveryMs?: number
  /** How often keys, retention, and what others have left unsigned are looked at. Default 1 hour. */
  readonly tendEveryMs?: number
  readonly witnesses?: readonly Witness[]
  readonly rotation?: Rotation
  /** How many days entries can be read. Undefined: always. Default always. */
  readonly daysKept?: (log: LogName) => number | undefined | Promise<number | undefined>
  /** Told of what kept logs from being signed; it is tried again. */
  readonly notSigned?: (error: unknown) => void
  /** Told of what went wrong; it is tried again. */
  readonly log?: (line: string) => void
}

/** Does in time what no entry waits for: signs, asks witnesses, rotates keys, erases what is too old. */
export class LogKeeper {
  readonly #options: LogKeeperOptions
  readonly #ending = new AbortController()
  readonly #loops: readonly Promise<void>[]

  constructor(options: LogKeeperOptions) {
    this.#options = options
    const { store, witnesses = [], rotation = ROTATION, daysKept } = options
    this.#loops = [
      this.#loop('signing logs', options.signEveryMs ?? 1_000, () => this.#sign(false)),
      this.#loop('witnesses of logs', options.witnessEveryMs ?? 60_000, async () => {
        if (witnesses.length > 0) for (const { log } of await store.logs()) await this.#ask(log)
      }),
      this.#loop('tending logs', options.tendEveryMs ?? 3_600_000, async () => {
        await rotateDueKeys(store, rotation)
        if (daysKept !== undefined) await applyRetention(store, daysKept)
        await this.#sign(true)
      }),
    ]
  }

  async close(): Promise<void> {
    this.#ending.abort()
    await Promise.all(this.#loops)
  }

  async #sign(all: boolean): Promise<void> {
    try {
      await this.#options.store.sign(all)
    } catch (error) {
      this.#options.notSigned?.(error)
      throw error
    }
  }

  async #ask(log: LogName): Promise<void> {
    const { store, witnesses = [] } = this.#options
    for (const { why } of await askWitnesses(store, log, witnesses)) {
      this.#options.log?.(`${log}: ${why}`)
    }
  }

  async #loop(what: string, everyMs: number, work: () => Promise<unknown>): Promise<void> {
    const { signal } = this.#ending
    while (!signal.aborted) {
      await sleep(everyMs, undefined, { signal, ref: false }).catch(() => {})
      if (signal.aborted) return
      await work().catch((error: unknown) => this.#options.log?.(`${what}: ${messageOf(error)}`))
    }
  }
}
