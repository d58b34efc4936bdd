import { RingfenceError, messageOf } from '../core/errors.ts'
import { BackOff } from './back-off.ts'
import type { Clock } from './clock.ts'
import { describeExit } from './describe-exit.ts'
import { Latch } from './latch.ts'
import type { Running, SupervisorEvent, Unit } from './unit.ts'

const START_WITHIN_MS = 60_000
/** How long a start may take to give up, and a stop to end the unit, before it is left or killed. */
const STOP_WITHIN_MS = 60_000

export interface RunnerOptions {
  readonly emit: (event: SupervisorEvent) => void
  readonly clock: Clock
  readonly random: () => number
  /** Called whenever a unit that was ready no longer is, before it is started again. */
  readonly onDown: (unit: Unit) => void
}

/** Keeps one unit running, from `run` to `stop`. */
export class UnitRunner {
  readonly unit: Unit
  readonly ready = new Latch()
  readonly #options: RunnerOptions
  readonly #dependencies: readonly UnitRunner[]
  readonly #backOff: BackOff
  readonly #stopping = new AbortController()
  #restart = new AbortController()
  #because = ''
  #running: Running | undefined
  #life: Promise<void> = Promise.resolve()

  constructor(unit: Unit, dependencies: readonly UnitRunner[], options: RunnerOptions) {
    this.unit = unit
    this.#dependencies = dependencies
    this.#options = options
    this.#backOff = new BackOff(options.random)
  }

  /**
   * Resolves when the unit is ready for the first time (or was halted before); from then on it is
   * started again whenever it ends. A first start that fails rejects, and is not repeated: its cause
   * is most likely one that a person must mend.
   */
  async run(): Promise<void> {
    const first = this.#dependenciesReady().then(() => this.#start())
    this.#life = first.then(
      (running) => this.#keep(running),
      () => undefined,
    )
    await first
  }

  /** Ends the unit and starts it again as soon as its dependencies are ready. */
  restart(because: string): void {
    this.#because = because
    this.#restart.abort()
  }

  /** From here on the unit is not started again. */
  halt(): void {
    this.#stopping.abort()
  }

  /** Ends the unit for good and resolves when it has ended. Never rejects. */
  async stop(): Promise<void> {
    this.halt()
    await this.#life
    await this.#end()
  }

  kill(): void {
    this.halt()
    this.#running?.kill?.()
  }

  async #keep(first: Running | undefined): Promise<void> {
    const { clock, emit, onDown } = this.#options
    for (let running = first; running !== undefined; ) {
      const readySince = clock.now()
      const why = await this.#untilDown(running)
      if (this.#stopping.signal.aborted) return
      this.ready.close()
      onDown(this.unit)
      if (why === undefined) {
        emit({ type: 'restarting', unit: this.unit.name, because: this.#because })
        await this.#end()
        running = await this.#startAgain()
      } else {
        this.#running = undefined
        running = await this.#startAgain(why, clock.now() - readySince)
      }
    }
  }

  /** Why the unit ended; undefined when it is to stop or to restart. */
  async #untilDown(running: Running): Promise<string | undefined> {
    const asked = AbortSignal.any([this.#stopping.signal, this.#restart.signal])
    return Promise.race([aborted(asked), running.exited.then(describeExit, messageOf)])
  }

  async #startAgain(why?: string, healthyMs = 0): Promise<Running | undefined> {
    const { clock, emit } = this.#options
    let failure = why
    let healthy = healthyMs
    while (!this.#stopping.signal.aborted) {
      if (failure !== undefined) {
        const retryInMs = this.#backOff.next(healthy)
        emit({ type: 'failed', unit: this.unit.name, why: failure, retryInMs })
        await clock.sleep(retryInMs, this.#stopping.signal)
      }
      await this.#dependenciesReady()
      try {
        return await this.#start()
      } catch (error) {
        failure = messageOf(error)
        healthy = 0
      }
    }
    return undefined
  }

  async #dependenciesReady(): Promise<void> {
    for (const { ready } of this.#dependencies) await ready.wait(this.#stopping.signal)
  }

  async #start(): Promise<Running | undefined> {
    if (this.#stopping.signal.aborted) return undefined
    const { clock, emit } = this.#options
    const { name } = this.unit
    this.#restart = new AbortController()
    emit({ type: 'starting', unit: name })
    const began = clock.now()
    try {
      this.#running = await this.#startInTime()
    } catch (error) {
      if (this.#stopping.signal.aborted) return undefined
      throw error
    }
    this.ready.open()
    emit({ type: 'ready', unit: name, milliseconds: Math.round(clock.now() - began) })
    return this.#running
  }

  /** `unit.start`, told when its time is over, and left behind when it does not heed that. */
  async #startInTime(): Promise<Running> {
    const { clock, emit } = this.#options
    const { name, startWithinMs = START_WITHIN_MS } = this.unit
    const [settled, late] = [new AbortController(), new AbortController()]
    const signal = AbortSignal.any([this.#stopping.signal, late.signal])
    const log = (line: string): void => emit({ type: 'log', unit: name, line })
    const starting = this.unit.start({ signal, log })
    void clock.sleep(startWithinMs, settled.signal).then(() => {
      if (!settled.signal.aborted) late.abort()
    })
    const leaving = aborted(signal).then(() => clock.sleep(STOP_WITHIN_MS, settled.signal))
    try {
      const running = await Promise.race([starting, leaving])
      if (running !== undefined) return running
      starting.then((running) => running.kill?.()).catch(() => undefined)
      throw new Error('the start did not heed its signal')
    } catch (error) {
      if (!late.signal.aborted) throw error
      const message = `${name} was not ready after ${startWithinMs / 1000} s`
      throw new RingfenceError('timed_out', message, { detail: messageOf(error) })
    } finally {
      settled.abort()
    }
  }

  async #end(): Promise<void> {
    const running = this.#running
    if (running === undefined) return
    const { clock, emit } = this.#options
    emit({ type: 'stopping', unit: this.unit.name })
    const settled = new AbortController()
    const stopped = running.stop().then(
      () => true,
      () => false,
    )
    const patience = clock.sleep(STOP_WITHIN_MS, settled.signal).then(() => false)
    const ended = await Promise.race([stopped, patience])
    settled.abort()
    if (!ended) {
      running.kill?.()
      emit({ type: 'killed', unit: this.unit.name })
    }
    this.#running = undefined
    this.ready.close()
    emit({ type: 'stopped', unit: this.unit.name })
  }
}

function aborted(signal: AbortSignal): Promise<undefined> {
  if (signal.aborted) return Promise.resolve(undefined)
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
}
