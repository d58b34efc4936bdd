/** Sends a batch on. Whatever it throws, the batch is lost. */
export type Send<T> = (batch: readonly T[]) => Promise<void>

export interface ExportQueueOptions<T> {
  readonly send: Send<T>
  /** Whose an item is: nobody has more than half of the queue. Default: all are one's. */
  readonly of?: (item: T) => string
  /** Items that wait at most. Default 4,096. */
  readonly waitingMost?: number
  readonly batchMost?: number
  /** After which what waits is sent. Default 2 s. Milliseconds. */
  readonly everyMs?: number
}

const WAITING_MOST = 4_096
const BATCH_MOST = 512
const EVERY_MS = 2_000

/**
 * What waits to be sent on. It takes what there is room for, never waits, and counts what it lets go:
 * a receiver that is away costs its data and nothing else.
 */
export class ExportQueue<T> {
  readonly #send: Send<T>
  readonly #of: ((item: T) => string) | undefined
  readonly #waitingMost: number
  readonly #batchMost: number
  readonly #everyMs: number
  readonly #shares = new Map<string, number>()
  #waiting: T[] = []
  #timer: NodeJS.Timeout | undefined
  #sending: Promise<void> | undefined
  #isClosed = false
  #dropped = 0
  #lost = 0
  #sent = 0

  constructor(options: ExportQueueOptions<T>) {
    this.#send = options.send
    this.#of = options.of
    this.#waitingMost = options.waitingMost ?? WAITING_MOST
    this.#batchMost = options.batchMost ?? BATCH_MOST
    this.#everyMs = options.everyMs ?? EVERY_MS
  }

  /** `dropped`: there was no room. `lost`: the receiver did not take them. */
  get counts() {
    const waiting = this.#waiting.length
    return { waiting, sent: this.#sent, dropped: this.#dropped, lost: this.#lost }
  }

  add(item: T): void {
    const owner = this.#of?.(item)
    const share = owner === undefined ? 0 : (this.#shares.get(owner) ?? 0)
    const full = this.#waiting.length >= this.#waitingMost || share >= this.#waitingMost / 2
    if (full || this.#isClosed) {
      this.#dropped += 1
      return
    }
    if (owner !== undefined) this.#shares.set(owner, share + 1)
    this.#waiting.push(item)
    if (this.#waiting.length >= this.#batchMost) this.#begin()
    else this.#timer ??= setTimeout(() => this.#begin(), this.#everyMs).unref()
  }

  /** Sends what waits now, and returns when all of it is sent or lost. */
  async flush(): Promise<void> {
    while (this.#waiting.length > 0 || this.#sending !== undefined) {
      this.#begin()
      await this.#sending
    }
  }

  /** Takes nothing more. What is not sent within so many milliseconds is lost. */
  async close(milliseconds: number): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, milliseconds)
    })
    await Promise.race([this.flush(), late])
    clearTimeout(timer)
    this.#lost += this.#waiting.length
    this.#waiting = []
  }

  #begin(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#sending !== undefined || this.#waiting.length === 0) return
    const batch = this.#waiting.slice(0, this.#batchMost)
    this.#waiting = this.#waiting.slice(this.#batchMost)
    this.#release(batch)
    this.#sending = this.#send(batch)
      .then(
        () => {
          this.#sent += batch.length
        },
        () => {
          this.#lost += batch.length
        },
      )
      .finally(() => {
        this.#sending = undefined
        if (this.#isClosed) return
        if (this.#waiting.length >= this.#batchMost) this.#begin()
        else if (this.#waiting.length > 0) {
          this.#timer ??= setTimeout(() => this.#begin(), this.#everyMs).unref()
        }
      })
  }

  #release(batch: readonly T[]): void {
    if (this.#of === undefined) return
    for (const item of batch) {
      const owner = this.#of(item)
      const share = (this.#shares.get(owner) ?? 1) - 1
      if (share === 0) this.#shares.delete(owner)
      else this.#shares.set(owner, share)
    }
  }
}
