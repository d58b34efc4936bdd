import { RingfenceError } from '../../../core/errors.ts'
import type { TenantId } from '../../../core/tenant.ts'

export interface HashQueueOptions {
  /** How many run at once. Node has four threads for such work by default; some must stay free. Default 2. */
  readonly running?: number
  /** How many of one realm may wait. Default 32: about a second of work. */
  readonly waitingOfRealm?: number
  /** How many may wait in all. Default 256. */
  readonly waiting?: number
}

const RUNNING = 2
const WAITING_OF_REALM = 32
const WAITING = 256

/**
 * Lets few password hashes run at once, realm by realm in turn: a flood at one realm neither starves
 * the process nor keeps the users of another waiting behind it.
 */
export class HashQueue {
  readonly #options: Required<HashQueueOptions>
  /** Realms in the order in which they are served next. */
  readonly #waiting = new Map<TenantId, (() => void)[]>()
  #waitingCount = 0
  #runningCount = 0

  constructor(options: HashQueueOptions = {}) {
    this.#options = {
      running: options.running ?? RUNNING,
      waitingOfRealm: options.waitingOfRealm ?? WAITING_OF_REALM,
      waiting: options.waiting ?? WAITING,
    }
  }

  /** @throws RingfenceError `overloaded` when too many wait already; whatever `work` throws */
  async run<T>(tenant: TenantId, work: () => Promise<T>): Promise<T> {
    if (this.#runningCount >= this.#options.running) await this.#turn(tenant)
    else this.#runningCount += 1
    try {
      return await work()
    } finally {
      this.#next()
    }
  }

  /** Resolves when a place has been handed over. */
  #turn(tenant: TenantId): Promise<void> {
    const line = this.#waiting.get(tenant) ?? []
    const { waiting, waitingOfRealm } = this.#options
    if (this.#waitingCount >= waiting || line.length >= waitingOfRealm) {
      throw new RingfenceError('overloaded', 'too many sign-ins at once; try again shortly')
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    line.push(resolve)
    this.#waiting.set(tenant, line)
    this.#waitingCount += 1
    return promise
  }

  #next(): void {
    const [first] = this.#waiting
    if (first === undefined) {
      this.#runningCount -= 1
      return
    }
    const [tenant, line] = first
    const go = line.shift()
    // To the end of the order, so that every realm has its turn.
    this.#waiting.delete(tenant)
    if (line.length > 0) this.#waiting.set(tenant, line)
    this.#waitingCount -= 1
    go?.()
  }
}
