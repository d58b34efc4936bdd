import type { Socket } from 'node:net'
import pg from 'pg'

/** What is collected before it is sent on. Bytes. */
const CHUNK_BYTES = 128 * 1024

/** What `pg` has for COPY, and its types leave out. */
interface CopyConnection {
  readonly stream: Socket
  sendCopyFromChunk(chunk: Uint8Array): void
  endCopyFrom(): void
  sendCopyFail(message: string): void
}

type Done = (error: Error | undefined, result: pg.ResultBuilder) => void

class CopyIn extends pg.Query {
  readonly #onReady: (connection: CopyConnection) => void

  constructor(sql: string, onReady: (connection: CopyConnection) => void, done: Done) {
    super(sql, done)
    this.#onReady = onReady
  }

  handleCopyInResponse(connection: CopyConnection): void {
    this.#onReady(connection)
  }
}

class CopyOut extends pg.Query {
  readonly #onRow: (row: Uint8Array, connection: CopyConnection) => void

  constructor(
    sql: string,
    onRow: (row: Uint8Array, connection: CopyConnection) => void,
    done: Done,
  ) {
    super(sql, done)
    this.#onRow = onRow
  }

  handleCopyData(message: { readonly chunk: Uint8Array }, connection: CopyConnection): void {
    this.#onRow(message.chunk, connection)
  }
}

/**
 * Streams what `out` (a COPY … TO STDOUT) gives on one connection into `into` (a COPY … FROM STDIN)
 * on another, as fast as the slower one and with a chunk or two in memory. Returns the rows written.
 * On a failure both connections may still be busy: close them.
 */
export function copyBetween(
  source: pg.ClientBase,
  out: string,
  target: pg.ClientBase,
  into: string,
): Promise<number> {
  return new Promise((resolve, reject) => {
    let failed = false
    const fail = (error: Error) => {
      failed = true
      reject(error)
    }
    const receive = (to: CopyConnection) => {
      let waiting: Uint8Array[] = []
      let bytes = 0
      const flush = () => {
        if (bytes > 0) to.sendCopyFromChunk(Buffer.concat(waiting, bytes))
        waiting = []
        bytes = 0
      }
      const take = (row: Uint8Array, from: CopyConnection) => {
        if (failed) return
        // A copy: the driver uses its buffer again.
        waiting.push(Uint8Array.from(row))
        bytes += row.length
        if (bytes < CHUNK_BYTES) return
        flush()
        if (!to.stream.writableNeedDrain || from.stream.isPaused()) return
        const goOn = () => {
          to.stream.off('drain', goOn).off('close', goOn)
          from.stream.resume()
        }
        from.stream.pause()
        to.stream.once('drain', goOn).once('close', goOn)
      }
      source.query(
        new CopyOut(out, take, (error) => {
          if (error !== undefined && error !== null) {
            to.sendCopyFail('the source failed')
            fail(error)
          } else if (!failed) {
            flush()
            to.endCopyFrom()
          }
        }),
      )
    }
    target.query(
      new CopyIn(into, receive, (error, result) => {
        if (error !== undefined && error !== null) fail(error)
        else resolve(result.rowCount ?? 0)
      }),
    )
  })
}
