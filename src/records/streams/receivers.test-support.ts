import { createServer } from 'node:http'
import { createServer as createTcp } from 'node:net'
import { bind, listenWith } from '../../http/listen.ts'

export interface Received {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** A web server on this machine that keeps what it got and answers as it is told. */
export async function webReceiver() {
  const got: Received[] = []
  const receiver = {
    url: '',
    got,
    answer: (_request: Received): { status: number; location?: string } => ({ status: 200 }),
    close: () => listening.close(),
  }
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      const body = Buffer.concat(chunks).toString()
      const one = { method, url, body, headers: headers as Record<string, string> }
      got.push(one)
      const { status, location } = receiver.answer(one)
      response.writeHead(status, location === undefined ? {} : { location }).end()
    })
  })
  const listening = await listenWith(server, { host: '127.0.0.1', port: 0 })
  receiver.url = listening.url
  return receiver
}

/** A syslog server that takes frames by their octet counts, and nothing else. */
export async function syslogReceiver() {
  const messages: string[] = []
  const server = createTcp((socket) => {
    let buffer = Buffer.alloc(0)
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      buffer = Buffer.concat([buffer, chunk])
      for (;;) {
        const space = buffer.indexOf(0x20)
        const length = space < 0 ? NaN : Number(buffer.subarray(0, space).toString('ascii'))
        if (!(buffer.length > space + length)) break
        messages.push(buffer.subarray(space + 1, space + 1 + length).toString('utf8'))
        buffer = buffer.subarray(space + 1 + length)
      }
    })
  })
  const url = await bind(server, { host: '127.0.0.1', port: 0 })
  return {
    port: Number(new URL(url).port),
    messages,
    close: () => new Promise<void>((resolve) => void server.close(() => resolve())),
  }
}
