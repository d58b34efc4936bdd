import pg from 'pg'

type Done = (error: Error | undefined, result: pg.ResultBuilder) => void

/** What `pg` has for COPY, and its types leave out. */
interface CopyConnection {
  sendCopyFromChunk(chunk: Uint8Array): void
  endCopyFrom(): void
}

/** A simple query that also takes part in COPY … FROM STDIN and COPY … TO STDOUT. */
export class RecordingQuery extends pg.Query {
  readonly #input: string
  readonly #onCopyData: (chunk: Uint8Array) => void

  constructor(sql: string, input: string, onCopyData: (chunk: Uint8Array) => void, done: Done) {
    super(sql, done)
    this.#input = input
    this.#onCopyData = onCopyData
  }

  handleCopyInResponse(connection: CopyConnection): void {
    connection.sendCopyFromChunk(Buffer.from(this.#input))
    connection.endCopyFrom()
  }

  handleCopyData(message: { readonly chunk: Uint8Array }): void {
    this.#onCopyData(message.chunk)
  }
}
