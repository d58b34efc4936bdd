import { open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { BEGINNING, type Position, positionSchema } from './position.ts'
import { syncDirectory } from './pages.ts'

/** How far a journal was sent on: a small file beside its pages, changed as a whole. */
export class Mark {
  readonly #directory: string
  readonly #path: string
  #position: Position

  private constructor(directory: string, position: Position) {
    this.#directory = directory
    this.#path = markPath(directory)
    this.#position = position
  }

  /** One that is not there, or cannot be read, is the beginning: what was sent is then sent again. */
  static async open(directory: string): Promise<Mark> {
    const position = await readFile(markPath(directory), 'utf8')
      .then((text) => positionSchema.parse(JSON.parse(text)))
      .catch(() => BEGINNING)
    return new Mark(directory, position)
  }

  get position(): Position {
    return this.#position
  }

  /** On return a process that is killed goes on from here. */
  async move(to: Position): Promise<void> {
    const handle = await open(`${this.#path}.new`, 'w', 0o600)
    try {
      await handle.writeFile(`${JSON.stringify(to)}\n`)
      await handle.datasync()
    } finally {
      await handle.close()
    }
    await rename(`${this.#path}.new`, this.#path)
    await syncDirectory(this.#directory)
    this.#position = to
  }
}

const markPath = (directory: string) => join(directory, 'sent.json')
