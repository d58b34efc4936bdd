import { type ClientHttp2Session, connect, constants } from 'node:http2'
import { connect as connectTls } from 'node:tls'

const { NGHTTP2_REFUSED_STREAM: REFUSED } = constants

/**
 * A caller by HTTP/2 that keeps its connection as long as it may: told that the other side leaves, it
 * asks what was not begun once more on a new one (RFC 9113, section 8.7), and nothing else.
 */
export class Http2Caller {
  readonly #to: { readonly port: number; readonly servername: string }
  readonly #headers: Readonly<Record<string, string>>
  #session: ClientHttp2Session | undefined
  /** How many connections it made. */
  connections = 0
  /** How many requests it asked again. */
  repeated = 0

  constructor(port: number, servername: string, headers: Readonly<Record<string, string>>) {
    this.#to = { port, servername }
    this.#headers = headers
  }

  /** The status of an answer that came whole. @throws Error for a request that was lost */
  async get(path: string): Promise<number> {
    for (;;) {
      const status = await this.#ask(path)
      if (status !== 'not begun') return status
      this.repeated += 1
    }
  }

  #ask(path: string): Promise<number | 'not begun'> {
    const session = this.#open()
    return new Promise((resolve, reject) => {
      const stream = session.request({
        ':authority': this.#to.servername,
        ':path': path,
        ...this.#headers,
      })
      let status = 0
      let isWhole = false
      stream.on('response', (fields) => {
        status = fields[':status'] ?? 0
      })
      stream.on('end', () => {
        isWhole = status !== 0
      })
      let failure: Error | undefined
      stream.on('error', (error) => {
        failure = error
      })
      stream.on('close', () => {
        if (isWhole && failure === undefined) resolve(status)
        else if (stream.rstCode === REFUSED) resolve('not begun')
        else reject(failure ?? new Error(`an answer broke off: ${stream.rstCode}`))
      })
      stream.resume()
    })
  }

  #open(): ClientHttp2Session {
    const { closed = true, destroyed = true } = this.#session ?? {}
    if (this.#session !== undefined && !closed && !destroyed) return this.#session
    this.connections += 1
    const session = connect(`https://${this.#to.servername}`, {
      createConnection: () =>
        connectTls({
          ...{ ...this.#to, host: '127.0.0.1' },
          rejectUnauthorized: false,
          ALPNProtocols: ['h2'],
        }),
    })
    // Its streams tell what came of them.
    session.on('error', () => undefined)
    this.#session = session
    return session
  }

  close(): void {
    this.#session?.destroy()
  }
}
