import type { AuditEntry } from '../audit/entry.ts'
import type { TenantId } from '../core/tenant.ts'
import type { UsageEvent } from '../usage/usage-event.ts'
import { Baselines } from './baselines.ts'
import type { Finding } from './finding.ts'
import { NamedDetectors } from './named-detectors.ts'
import { callOf, type Observation, observationOf } from './observation.ts'
import { RecentIds } from './recent-ids.ts'
import type { BehaviourSettings } from './settings.ts'

/** Handed over again, the same record counts once; it is handed over again soon. */
const IDS = 20_000
/** Clocks of planes differ by so much. Milliseconds. */
const AHEAD_MS = 60_000
/** What arrives later than this is nothing to act on any more. Milliseconds. */
const LATE_MS = 900_000

export interface BehaviourOptions {
  readonly settings: BehaviourSettings
  readonly now: () => number
  /** Called while an observation is made: it must not wait. */
  readonly found: (finding: Finding) => void
}

/**
 * Sees what is entered and finds what is not as it should be. All in memory, of bounded size; nothing
 * waits for it, and it never throws.
 */
export class Behaviour {
  readonly baselines: Baselines
  readonly #options: BehaviourOptions
  readonly #named: NamedDetectors
  readonly #ids = new RecentIds(IDS)

  constructor(options: BehaviourOptions) {
    this.#options = options
    this.baselines = new Baselines(options.settings)
    this.#named = new NamedDetectors(options.settings)
  }

  /** How many series and windows are kept. */
  get size(): number {
    return this.baselines.size + this.#named.size
  }

  /** @param entries that are in their logs now */
  entered(entries: readonly AuditEntry[]): void {
    for (const entry of entries) {
      if (this.#ids.add(`${entry.tenant ?? ''} ${entry.id}`)) this.#look(observationOf(entry))
    }
  }

  /** @param events that planes have reported, each once */
  used(events: readonly UsageEvent[]): void {
    for (const event of events) this.#look(callOf(event))
  }

  /** What is known of a tenant that is gone. */
  forget(tenant: TenantId): void {
    this.baselines.forget(tenant)
  }

  #look(seen: Observation | undefined): void {
    if (seen === undefined) return
    const now = this.#options.now()
    // A clock that is ahead must not close the slots of all others.
    const at = seen.at > now + AHEAD_MS ? now : seen.at
    const timely = { ...seen, at }
    const isLate = at < now - LATE_MS
    const found = this.baselines.look(timely)
    for (const one of isLate ? [] : [...found, ...this.#named.look(timely)]) {
      this.#options.found(one)
    }
  }
}
