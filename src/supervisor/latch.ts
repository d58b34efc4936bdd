/** A door that opens and closes; those who wait pass when it is open. */
export class Latch {
  #open = false
  #waiting = new Set<() => void>()

  open(): void {
    this.#open = true
    for (const pass of this.#waiting) pass()
    this.#waiting.clear()
  }

  close(): void {
    this.#open = false
  }

  /** Resolves when the latch is open, or when `signal` aborts. */
  wait(signal: AbortSignal): Promise<void> {
    if (this.#open || signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const pass = () => {
        signal.removeEventListener('abort', pass)
        this.#waiting.delete(pass)
        resolve()
      }
      signal.addEventListener('abort', pass)
      this.#waiting.add(pass)
    })
  }
}
