import { type Clock, systemClock } from './clock.ts'
import type { SupervisorEvent, Unit } from './unit.ts'
import { orderUnits } from './unit-order.ts'
import { UnitRunner } from './unit-runner.ts'

export interface SupervisorOptions {
  readonly onEvent?: (event: SupervisorEvent) => void
  readonly clock?: Clock
  /** From 0 up to but not including 1, for the back-off's jitter. */
  readonly random?: () => number
}

/**
 * Starts units in the order of their dependencies (and together where there is none), starts those
 * that end again after a growing pause, however often, and stops all in the reverse order.
 */
export class Supervisor {
  readonly #runners: readonly UnitRunner[]
  #stopped: Promise<void> | undefined

  /** @throws RingfenceError `invalid_argument` for names that do not fit together */
  constructor(units: readonly Unit[], options: SupervisorOptions = {}) {
    const runners = new Map<string, UnitRunner>()
    const runnerOptions = {
      emit: options.onEvent ?? (() => undefined),
      clock: options.clock ?? systemClock,
      random: options.random ?? Math.random,
      onDown: (unit: Unit) => this.#restartDependents(unit),
    }
    for (const unit of orderUnits(units)) {
      const dependencies = (unit.dependsOn ?? []).flatMap((name) => runners.get(name) ?? [])
      runners.set(unit.name, new UnitRunner(unit, dependencies, runnerOptions))
    }
    this.#runners = [...runners.values()]
  }

  /**
   * Resolves when every unit is ready, or when `stop` was called meanwhile. When a unit's first
   * start fails, all others are stopped and the unit's error is thrown.
   */
  async start(): Promise<void> {
    try {
      await Promise.all(this.#runners.map((runner) => runner.run()))
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  /** Stops every unit before those it depends on. Later calls wait for the first. Never rejects. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stopAll()
    return this.#stopped
  }

  /** Ends everything at once, without waiting. */
  kill(): void {
    for (const runner of this.#runners) runner.kill()
  }

  async #stopAll(): Promise<void> {
    for (const runner of this.#runners) runner.halt()
    const stopping = new Map<UnitRunner, Promise<void>>()
    for (const runner of this.#runners.toReversed()) {
      const dependents = this.#dependents(runner.unit).flatMap(
        (dependent) => stopping.get(dependent) ?? [],
      )
      stopping.set(
        runner,
        Promise.all(dependents).then(() => runner.stop()),
      )
    }
    await Promise.all(stopping.values())
  }

  #dependents(unit: Unit): readonly UnitRunner[] {
    return this.#runners.filter((runner) => runner.unit.dependsOn?.includes(unit.name))
  }

  #restartDependents(unit: Unit): void {
    for (const dependent of this.#dependents(unit)) {
      if (dependent.unit.restartWith === true) dependent.restart(unit.name)
    }
  }
}
