import type pg from 'pg'

const HEADER_BYTES = 5
const COPY_DONE = Buffer.from([0x63, 0, 0, 0, 4])

/**
 * Statements in one message, with the rows of each COPY ... FROM STDIN among them right behind: the server is
 * not kept waiting for a word of ours in between. When one fails it leaves the others out, and the rows of
 * those too, as the protocol says of rows after an error.
 * @param statements without parameters
 * @param texts rows of each COPY, in its text form
 * @throws pg.DatabaseError
 */
export function copyIn(
  client: pg.ClientBase,
  statements: string,
  texts: readonly string[],
): Promise<void> {
  return new Promise((resolve, reject) => {
    client.query(new CopyIn(statements, texts, resolve, reject))
  })
}

/** What `pg` calls while the message is under way. */
class CopyIn implements pg.Submittable {
  readonly #statements: string
  readonly #texts: readonly string[]
  readonly #done: () => void
  readonly #failed: (error: unknown) => void

  constructor(
    statements: string,
    texts: readonly string[],
    done: () => void,
    failed: (error: unknown) => void,
  ) {
    this.#statements = statements
    this.#texts = texts
    this.#done = done
    this.#failed = failed
  }

  submit(connection: pg.Connection): void {
    connection.query(this.#statements)
    for (const text of this.#texts) {
      connection.stream.write(copyData(text))
      connection.stream.write(COPY_DONE)
    }
  }

  handleCopyInResponse(): void {
    // The rows are on their way.
  }

  handleCommandComplete(): void {
    // `handleReadyForQuery` comes when all are.
  }

  handleReadyForQuery(): void {
    this.#done()
  }

  handleError(error: unknown): void {
    this.#failed(error)
  }
}

function copyData(text: string): Buffer {
  const length = Buffer.byteLength(text)
  const message = Buffer.allocUnsafe(HEADER_BYTES + length)
  message.write('d', 'latin1')
  message.writeInt32BE(length + HEADER_BYTES - 1, 1)
  message.write(text, HEADER_BYTES)
  return message
}
