import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { messageOf, RingfenceError } from '../core/errors.ts'
import { readRegoBundle, type RegoBundle } from './rego-bundle.ts'

/** Milliseconds within which a bundle decides. Whoever takes longer is ended, and denies. */
const DECISION_MS = 500
/** And within which it is ready to. */
const START_MS = 10_000
/** Milliseconds for which a bundle that took too long, or fell over, is not asked again. */
const PAUSE_MS = 10_000
/** Bundles that are ready at once. The one that was asked longest ago goes first. */
const WORKERS_MAX = 16
/** Questions that wait for one bundle. */
const WAITING_MAX = 500

/** What is wrong with a bundle, before anybody runs it; undefined for nothing. */
export function regoProblem(base64: string): string | undefined {
  try {
    readRegoBundle(base64)
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

type Answer = { readonly allowed: boolean } | { readonly trouble: string }

/**
 * Bundles of Rego, each in a thread of its own that is ended when it takes too long: a tenant's code
 * keeps nobody else waiting, and sees nobody else's questions.
 */
export class RegoEngines {
  /** By the configuration that holds the bundle: no name is asked that two could have. */
  readonly #engines = new Map<object, RegoEngine>()
  readonly #paused = new WeakMap<object, number>()

  /**
   * @param owner the store that the bundle is part of
   * @throws RingfenceError `invalid_argument`, `timed_out`, `overloaded` where it cannot be known
   */
  async ask(owner: object, base64: string, input: unknown): Promise<boolean> {
    if ((this.#paused.get(owner) ?? 0) > Date.now()) {
      throw new RingfenceError('overloaded', 'the Rego bundle fell over a moment ago')
    }
    const engine = this.#engines.get(owner) ?? RegoEngine.start(readRegoBundle(base64))
    // At the end of those that were asked.
    this.#engines.delete(owner)
    this.#engines.set(owner, engine)
    this.#makeRoom()
    try {
      return await engine.ask(input)
    } catch (error) {
      if (engine.isOver) {
        this.#engines.delete(owner)
        this.#paused.set(owner, Date.now() + PAUSE_MS)
      }
      throw error
    }
  }

  #makeRoom(): void {
    for (const [owner, engine] of this.#engines) {
      if (this.#engines.size <= WORKERS_MAX) return
      this.#engines.delete(owner)
      engine.end()
    }
  }

  close(): void {
    for (const engine of this.#engines.values()) engine.end()
    this.#engines.clear()
  }
}

interface Waiting {
  readonly resolve: (answer: Answer) => void
  timer: NodeJS.Timeout | undefined
}

class RegoEngine {
  readonly #worker: Worker
  readonly #waiting: Waiting[] = []
  isOver = false
  #isReady = false

  private constructor(worker: Worker) {
    this.#worker = worker
    const starting = setTimeout(() => this.#fall('it was not ready in time'), START_MS).unref()
    worker.on('message', (answer: Answer | 'ready') => {
      if (answer !== 'ready') return this.#next(answer)
      clearTimeout(starting)
      this.#isReady = true
      return this.#watch()
    })
    worker.on('error', (error) => this.#fall(messageOf(error)))
    worker.on('exit', () => {
      clearTimeout(starting)
      this.#fall('it ended')
    })
    // Nobody waits for a bundle at the end of the process.
    worker.unref()
  }

  static start({ module, data }: RegoBundle): RegoEngine {
    const file = new URL(`./rego-worker${extname(import.meta.filename)}`, import.meta.url)
    const worker = new Worker(file, {
      workerData: { module, data },
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: 32 },
    })
    return new RegoEngine(worker)
  }

  async ask(input: unknown): Promise<boolean> {
    if (this.#waiting.length >= WAITING_MAX) {
      throw new RingfenceError('overloaded', 'too many wait for the Rego bundle')
    }
    const answer = await new Promise<Answer>((resolve) => {
      this.#waiting.push({ resolve, timer: undefined })
      if (this.isOver) this.#fall('it ended')
      else {
        this.#worker.postMessage(input, [])
        this.#watch()
      }
    })
    if ('allowed' in answer) return answer.allowed
    throw new RingfenceError('timed_out', `the Rego bundle did not decide: ${answer.trouble}`)
  }

  end(): void {
    this.#fall('it was ended')
  }

  /** The first of those that wait is being decided now: its time runs. */
  #watch(): void {
    const [first] = this.#waiting
    if (this.#isReady && first !== undefined) {
      first.timer ??= setTimeout(() => this.#fall('it took too long'), DECISION_MS)
    }
  }

  #next(answer: Answer): void {
    const done = this.#waiting.shift()
    clearTimeout(done?.timer)
    done?.resolve(answer)
    this.#watch()
  }

  #fall(trouble: string): void {
    this.isOver = true
    void this.#worker.terminate()
    for (const { resolve, timer } of this.#waiting.splice(0)) {
      clearTimeout(timer)
      resolve({ trouble })
    }
  }
}
