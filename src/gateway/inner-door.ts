import {
  createServer,
  type IncomingMessage,
  request as httpRequest,
  type Server,
  type ServerResponse,
} from 'node:http'
import { duplexPair } from 'node:stream'
import { type Inner, markInner } from './inner.ts'

export interface InnerRequest {
  readonly method: string
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
  readonly signal: AbortSignal
}

/**
 * The front door, as the gateway itself comes to it: by connections in memory, through the same
 * checks in the same order as everybody. There is no other way from a tool to a service.
 */
export class InnerDoor {
  readonly #server: Server

  constructor(
    handler: (request: IncomingMessage, response: ServerResponse) => void,
    headerBytesMax: number,
  ) {
    this.#server = createServer({ maxHeaderSize: headerBytesMax, requestTimeout: 0 }, handler)
  }

  /** Resolves with the head of the answer. @throws Error when there is none */
  ask(inner: Inner, request: InnerRequest): Promise<IncomingMessage> {
    const [near, far] = duplexPair()
    markInner(far, inner)
    this.#server.emit('connection', far)
    const { method, target, headers, body, signal } = request
    return new Promise((resolve, reject) => {
      const sending = httpRequest(
        {
          method,
          path: target,
          headers: {
            ...headers,
            connection: 'close',
            ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
          },
          signal,
          createConnection: () => near,
        },
        resolve,
      )
      sending.once('error', (error) => {
        near.destroy()
        reject(error)
      })
      sending.end(body)
    })
  }

  close(): void {
    this.#server.close()
  }
}
