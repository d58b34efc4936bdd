const AFTER_MS = 50
const CHARACTERS_MAX = 64 * 1024

/**
 * Lines of a log, written some at a time: a write for each would cost as much as the checks. They are
 * out after 50 ms at most; what a process is killed with before that is lost.
 */
export class LineBatch {
  readonly #write: (lines: string) => void
  #lines: string[] = []
  #characters = 0
  #timer: NodeJS.Timeout | undefined
  readonly #flushAtExit = () => this.flush()

  /** @param write gets lines with line breaks between them, and none at the end */
  constructor(write: (lines: string) => void) {
    this.#write = write
    process.on('exit', this.#flushAtExit)
  }

  add(line: string): void {
    this.#lines.push(line)
    this.#characters += line.length
    if (this.#characters >= CHARACTERS_MAX) this.flush()
    else this.#timer ??= setTimeout(() => this.flush(), AFTER_MS)
  }

  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#lines.length === 0) return
    const text = this.#lines.join('\n')
    this.#lines = []
    this.#characters = 0
    this.#write(text)
  }

  /** Writes what there is: no more lines come. */
  close(): void {
    this.flush()
    process.off('exit', this.#flushAtExit)
  }
}
