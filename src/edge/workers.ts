import cluster, { type Worker } from 'node:cluster'
import { setTimeout as wait } from 'node:timers/promises'
import { RingfenceError } from '../core/errors.ts'

/** What a worker is told in its environment: its number among those that run. */
export const WORKER_VARIABLE = 'RINGFENCE_WORKER'
/** Set for one that takes another's place: it must not listen before it can serve. */
export const REPLACEMENT_VARIABLE = 'RINGFENCE_WORKER_REPLACES'

export interface WorkersOptions {
  readonly count: number
  /** What each worker runs, with its arguments. */
  readonly program: { readonly path: string; readonly arguments: readonly string[] }
  /** Told what happens to workers. */
  readonly log: (event: {
    readonly event: string
    readonly worker: number
    readonly why?: string
  }) => void
  /** Answers what a worker asks for all of them: see `askPrimary`. */
  readonly answer: (question: unknown) => unknown
  /** For a worker to be ready, and to end. Milliseconds. */
  readonly readyMs?: number
  readonly endMs?: number
}

const READY_MS = 40_000
/** Longer than a front waits for what is under way. */
const END_MS = 20_000
const PAUSE_MS = 100
const PAUSE_MS_MAX = 10_000
/** One that has run for so long and ends does not end because it cannot start. */
const STEADY_MS = 10_000

interface Running {
  readonly number: number
  readonly worker: Worker
  readonly ready: Promise<ReadyMessage>
  readonly exited: Promise<void>
  /** True when it was told to end. */
  isLeaving: boolean
}

interface ReadyMessage {
  readonly url: string
}

/**
 * Processes that serve on one listener: this process takes connections and hands them out in turn. One
 * that dies is replaced; `roll` replaces all, each by one that serves before the old one ends.
 */
export class Workers {
  readonly #options: WorkersOptions
  readonly #running = new Set<Running>()
  #pauseMs = PAUSE_MS
  #isClosing = false
  #rolling: Promise<boolean> | undefined

  constructor(options: WorkersOptions) {
    this.#options = options
    cluster.setupPrimary({
      exec: options.program.path,
      args: [...options.program.arguments],
      silent: false,
    })
  }

  /** Numbers of the workers that are ready. */
  readonly ready = new Set<number>()

  /**
   * Starts them. Returns where they listen.
   * @throws RingfenceError `timed_out` when one ends before it listens
   */
  async start(): Promise<string> {
    const started = Array.from({ length: this.#options.count }, () => this.#begin(false))
    try {
      const [first] = await Promise.all(started.map(({ ready }) => ready))
      return first?.url ?? ''
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /**
   * Replaces each worker by a new one. False when a new one did not come to serve: the old ones that
   * were not replaced yet go on.
   */
  roll(): Promise<boolean> {
    this.#rolling ??= this.#rollAll().finally(() => {
      this.#rolling = undefined
    })
    return this.#rolling
  }

  async #rollAll(): Promise<boolean> {
    for (const old of [...this.#running]) {
      if (this.#isClosing) return false
      if (old.isLeaving) continue
      const next = this.#begin(true)
      try {
        await next.ready
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error)
        this.#options.log({ event: 'worker-not-replaced', worker: old.number, why })
        await this.#end(next)
        return false
      }
      await this.#end(old)
    }
    return true
  }

  /** Ends all of them, when what is under way has ended. */
  async close(): Promise<void> {
    this.#isClosing = true
    await Promise.all([...this.#running].map((one) => this.#end(one)))
  }

  #begin(replaces: boolean, number = this.#freeNumber()): Running {
    const worker = cluster.fork({
      [WORKER_VARIABLE]: String(number),
      ...(replaces ? { [REPLACEMENT_VARIABLE]: '1' } : {}),
    })
    const began = performance.now()
    let hasServed = false
    const ready = Promise.withResolvers<ReadyMessage>()
    // Whoever does not wait for it is told by its end.
    ready.promise.catch(() => undefined)
    const tooLate = setTimeout(
      () => ready.reject(new RingfenceError('timed_out', 'a worker did not come to serve')),
      this.#options.readyMs ?? READY_MS,
    )
    worker.on('message', (message: unknown) => {
      if (isReady(message)) {
        clearTimeout(tooLate)
        hasServed = true
        this.ready.add(number)
        ready.resolve(message)
        this.#options.log({ event: 'worker-ready', worker: number })
      } else if (isQuestion(message)) {
        const answer = this.#options.answer(message.question)
        if (worker.isConnected()) worker.send({ id: message.id, answer })
      }
    })
    const exited = new Promise<void>((resolve) => {
      worker.once('exit', () => resolve())
    })
    const running: Running = { number, worker, ready: ready.promise, exited, isLeaving: false }
    this.#running.add(running)
    void exited.then(() => {
      clearTimeout(tooLate)
      this.ready.delete(number)
      this.#running.delete(running)
      ready.reject(new RingfenceError('timed_out', 'a worker ended before it came to serve'))
      const isSteady = performance.now() - began > STEADY_MS
      if (running.isLeaving || this.#isClosing) return
      // One that never came to serve in another's place has left no place empty.
      if (!replaces || hasServed) void this.#replace(number, isSteady)
    })
    return running
  }

  /** In the place of one that has died. */
  async #replace(number: number, isSteady: boolean): Promise<void> {
    this.#pauseMs = isSteady ? PAUSE_MS : Math.min(this.#pauseMs * 2, PAUSE_MS_MAX)
    this.#options.log({ event: 'worker-died', worker: number })
    await wait(this.#pauseMs)
    if (this.#isClosing || this.#running.size >= this.#options.count) return
    // With its number, so that what it had on disk and could not send on any more is taken up at once.
    const isTaken = [...this.#running].some((one) => one.number === number)
    this.#begin(false, isTaken ? this.#freeNumber() : number)
  }

  async #end(one: Running): Promise<void> {
    one.isLeaving = true
    this.ready.delete(one.number)
    // Not by `kill`, which takes the listener away before the worker has taken leave of its callers.
    one.worker.process.kill('SIGTERM')
    const tooLate = setTimeout(
      () => one.worker.process.kill('SIGKILL'),
      this.#options.endMs ?? END_MS,
    )
    await one.exited
    clearTimeout(tooLate)
  }

  /** The lowest that no running worker has: what it keeps on disk by it is nobody else's. */
  #freeNumber(): number {
    const taken = new Set([...this.#running].map(({ number }) => number))
    let number = 1
    while (taken.has(number)) number += 1
    return number
  }
}

function isReady(message: unknown): message is ReadyMessage {
  return typeof message === 'object' && message !== null && 'url' in message
}

function isQuestion(
  message: unknown,
): message is { readonly id: number; readonly question: unknown } {
  return typeof message === 'object' && message !== null && 'question' in message && 'id' in message
}
