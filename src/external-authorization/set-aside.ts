import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'

const BYTES_MAX = 16 * 1024 * 1024
const LINE_CHARACTERS_MAX = 4_096

export interface BrokenLine {
  readonly line: string
  readonly why: string
}

/** Lines of a proxy's log that are no usage, for somebody to look at. Some, when there are very many. */
export class SetAside {
  readonly #path: string

  constructor(directory: string) {
    this.#path = join(directory, 'set-aside.ndjson')
  }

  /** On return they are on the disk. A line may be there twice, when a process was killed. */
  async add(file: string, broken: readonly BrokenLine[]): Promise<void> {
    const bytes = await stat(this.#path).then(
      ({ size }) => size,
      () => 0,
    )
    if (broken.length === 0 || bytes > BYTES_MAX) return
    const text = broken
      .map(({ line, why }) =>
        JSON.stringify({ file, why, line: line.slice(0, LINE_CHARACTERS_MAX) }),
      )
      .join('\n')
    const handle = await open(this.#path, 'a', 0o600)
    try {
      await handle.writeFile(`${text}\n`)
      await handle.datasync()
    } finally {
      await handle.close()
    }
  }
}
