/** What is to be done once a transaction has committed, and is forgotten when it does not. */
export class AfterCommit {
  readonly #things: (() => void)[] = []

  readonly add = (thing: () => void): void => {
    this.#things.push(thing)
  }

  /** To be called when the server has said that it committed. Nothing of it can fail the caller. */
  run(): void {
    for (const thing of this.#things.splice(0)) {
      try {
        thing()
      } catch {
        // The transaction is done, whatever becomes of what it is told by.
      }
    }
  }
}
