import { RingfenceError } from '../core/errors.ts'
import { RevocationIndex } from './revocation-index.ts'
import type { Revocable, Revocation, RevocationSource } from './revocation.ts'

const HOUR_MS = 3_600_000

/** Revocations that a test, or a bench, makes: known at once, and to this process alone. */
export class MemoryRevocations implements RevocationSource {
  known = true
  readonly #index = new RevocationIndex()
  #listeners: ((news: readonly Revocation[]) => void)[] = []

  revoke(...revocations: readonly Revocation[]): void {
    for (const revocation of revocations) {
      this.#index.add({ revocation, untilMs: Date.now() + HOUR_MS })
    }
    for (const listener of this.#listeners) listener(revocations)
  }

  revokes(token: Revocable): boolean {
    if (!this.known) throw new RingfenceError('revocations_unknown', 'it is not known')
    return this.find(token) !== undefined
  }

  find(token: Revocable): Revocation['kind'] | undefined {
    return this.#index.find(token)
  }

  onNews(listener: (news: readonly Revocation[]) => void): void {
    this.#listeners.push(listener)
  }

  /** Nobody listens any more: as when the process that did has ended. */
  deafen(): void {
    this.#listeners = []
  }
}
