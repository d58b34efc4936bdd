import { createHash } from 'node:crypto'
import { RingfenceError } from '../../core/errors.ts'
import type { WritableCertificateStore } from '../certificate-store.ts'
import type { CertificateAuthority, Challenges } from './certificate-authority.ts'
import { oneAtATime } from './renewal-lock.ts'

export interface RenewalsOptions {
  readonly store: WritableCertificateStore
  readonly authority: CertificateAuthority
  readonly challenges: Challenges
  /** A path beside the certificates, the same for all processes that share them. */
  readonly lock: string
  /** Hosts that are tenants' now. */
  readonly hosts: () => Iterable<string>
  readonly onTrouble: (error: RingfenceError) => void
  readonly onIssued?: (host: string) => void
  /** From one look to the next. Milliseconds. Default 10 minutes, give or take a third. */
  readonly lookEveryMs?: number
  /** Orders in one look at most: authorities have limits. Default 20. */
  readonly atOnce?: number
}

const LOOK_EVERY_MS = 600_000
const AT_ONCE = 20
const PAUSE_MS = 600_000
const PAUSE_MS_MAX = 86_400_000

/**
 * Gets certificates for hosts that have none, and new ones when two thirds of an old one's life are
 * over; each host at a time of its own, so that not all come at once. A host for which there is none
 * to be had is tried again after longer and longer pauses, up to a day.
 */
export class Renewals {
  readonly #options: RenewalsOptions
  readonly #failed = new Map<string, { readonly pauseMs: number; readonly notBefore: number }>()
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<unknown> = Promise.resolve()
  #isClosed = false

  constructor(options: RenewalsOptions) {
    this.#options = options
  }

  start(): void {
    const every = this.#options.lookEveryMs ?? LOOK_EVERY_MS
    const again = () => {
      if (this.#isClosed) return
      this.#timer = setTimeout(begin, every * (2 / 3 + Math.random() * (2 / 3))).unref()
    }
    const begin = () => {
      this.#looking = this.look().then(again, again)
    }
    // Soon, for hosts that wait; and not at the same moment in all processes.
    this.#timer = setTimeout(begin, Math.random() * Math.min(every, 5_000)).unref()
  }

  /** Gets what is due. False when another process does so just now. */
  async look(now: number = Date.now()): Promise<boolean> {
    return oneAtATime(this.#options.lock, async () => {
      const hosts = new Set(this.#options.hosts())
      for (const host of this.#failed.keys()) if (!hosts.has(host)) this.#failed.delete(host)
      let left = this.#options.atOnce ?? AT_ONCE
      for (const host of hosts) {
        if (left === 0 || this.#isClosed) return
        if ((this.#failed.get(host)?.notBefore ?? 0) > now || !(await this.#isDue(host, now)))
          continue
        left -= 1
        await this.#obtain(host, now)
      }
    })
  }

  async #isDue(host: string, now: number): Promise<boolean> {
    const { store } = this.#options
    const end = await store.endOf(host)
    // The platform's own may be good for it.
    if (end === undefined) return (await store.contextFor(host)) === undefined
    const life = end.until.getTime() - end.from.getTime()
    return now > end.until.getTime() - life * (1 / 3 + shareOf(host) / 12)
  }

  async #obtain(host: string, now: number): Promise<void> {
    const { authority, challenges, store, onTrouble, onIssued } = this.#options
    try {
      await store.put(host, await authority.obtain(host, challenges))
      this.#failed.delete(host)
      onIssued?.(host)
    } catch (error) {
      const pauseMs = Math.min((this.#failed.get(host)?.pauseMs ?? PAUSE_MS / 2) * 2, PAUSE_MS_MAX)
      this.#failed.set(host, { pauseMs, notBefore: now + pauseMs })
      onTrouble(
        error instanceof RingfenceError
          ? error
          : new RingfenceError('internal', `no certificate for ${host}`, { cause: error }),
      )
    }
  }

  /** Waits for an order that is under way. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    await this.#looking
  }
}

/** From 0 to 1, the same for a host at all times. */
function shareOf(host: string): number {
  return createHash('sha256').update(host).digest().readUInt16BE(0) / 0x1_0000
}
