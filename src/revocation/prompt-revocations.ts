import type { Revocation, RevocationPublisher, RevocationRows } from './revocation.ts'

/**
 * Publishes as another publisher does, and has this process's own follower look once the caller's
 * transaction has committed: it knows at once, and rings for the others, without being notified. Where
 * the commit cannot be told it looks at once: that is right for a statement outside a transaction, and
 * a look too many harms nobody. One that is left out costs time alone.
 */
export class PromptRevocations implements RevocationPublisher {
  readonly #publisher: RevocationPublisher
  readonly #look: () => void

  constructor(publisher: RevocationPublisher, look: () => void) {
    this.#publisher = publisher
    this.#look = look
  }

  async publish(rows: RevocationRows, revocation: Revocation): Promise<void> {
    await this.#publisher.publish(rows, revocation)
    if (rows.afterCommit === undefined) this.#look()
    else rows.afterCommit(this.#look)
  }
}
