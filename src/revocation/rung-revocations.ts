import type { Bell } from './bell.ts'
import type { Revocation, RevocationPublisher, RevocationRows } from './revocation.ts'

/**
 * Publishes as another publisher does, and rings once the caller's transaction has committed. Where
 * that cannot be told it rings at once: that is right for a statement outside a transaction, and a ring
 * too many harms nobody. One that is not rung costs time alone.
 */
export class RungRevocations implements RevocationPublisher {
  readonly #publisher: RevocationPublisher
  readonly #bell: Pick<Bell, 'ring'>

  constructor(publisher: RevocationPublisher, bell: Pick<Bell, 'ring'>) {
    this.#publisher = publisher
    this.#bell = bell
  }

  async publish(rows: RevocationRows, revocation: Revocation): Promise<void> {
    await this.#publisher.publish(rows, revocation)
    const ring = () => this.#bell.ring()
    if (rows.afterCommit === undefined) ring()
    else rows.afterCommit(ring)
  }
}
