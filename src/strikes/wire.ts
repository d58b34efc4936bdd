import { connect as connectHttp2, type OutgoingHttpHeaders } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

/** Where a server listens. */
export type Address =
  | {
      readonly host: string
      readonly port: number
      /** Over TLS, whoever vouches for the other side; with a name in the handshake, or none. */
      readonly tls?: { readonly serverName?: string }
    }
  | { readonly path: string }

/** A request, written out as it is: nothing is put right, and what is left out is left out. */
export interface Said {
  readonly method?: string
  readonly target: string
  /** In order; a name may be there several times. */
  readonly headers?: readonly (readonly [name: string, value: string])[]
  readonly body?: string
}

export interface Heard {
  /** 0 when the connection ended without an answer. */
  readonly status: number
  /** In order, names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

/** Milliseconds without a byte after which nobody waits any longer. */
const SILENCE_MS = 30_000

/**
 * A caller's side of the network. It remembers every byte that reached it, so that a planted secret
 * among them is seen whatever the caller made of the answer.
 */
export class Wire {
  #seen = ''
  /** What came so far on connections that are still open. */
  readonly #hearing = new Set<{ readonly text: string }>()
  readonly #open = new Set<Socket>()

  hasSeen(secret: string): boolean {
    return [this.#seen, ...[...this.#hearing].map(({ text }) => text)].some((text) =>
      text.includes(secret),
    )
  }

  /** One request on a connection of its own. Any end of it is an answer. */
  async ask(address: Address, said: Said): Promise<Heard> {
    const heard = heardOf(await this.#exchange(address, written(said), SILENCE_MS, isWhole))
    this.#seen += heard.body
    return heard
  }

  /** One request over HTTP/2, with whatever pseudo-fields, on a connection of its own. */
  askHttp2(address: Address, headers: OutgoingHttpHeaders): Promise<Heard> {
    const socket = socketTo(address, ['h2'])
    this.#open.add(socket)
    const session = connectHttp2('https://http2.invalid', { createConnection: () => socket })
    // Any end of it is an answer.
    session.on('error', () => undefined)
    return new Promise((resolve) => {
      let [status, body] = [0, '']
      const stream = session.request(headers)
      stream.on('response', (fields) => {
        status = fields[':status'] ?? 0
      })
      stream.on('data', (chunk: Buffer) => {
        body += chunk.toString('latin1')
      })
      stream.on('error', () => undefined)
      stream.on('close', () => {
        session.destroy()
        this.#open.delete(socket)
        this.#seen += body
        resolve({ status, headers: [], body })
      })
    })
  }

  /** Bytes on a connection of its own, and all that comes back until the other side ends it. */
  raw(address: Address, text: string, silenceMs: number = SILENCE_MS): Promise<string> {
    return this.#exchange(address, text, silenceMs, () => false)
  }

  /** A connection that stays open, for what goes back and forth on it. */
  open(address: Address, text: string): Conversation {
    const socket = socketTo(address)
    const conversation = new Conversation(socket, (heard) => {
      this.#open.delete(socket)
      this.#hearing.delete(conversation)
      this.#seen += heard
    })
    this.#open.add(socket)
    this.#hearing.add(conversation)
    socket.write(text, 'latin1')
    return conversation
  }

  #exchange(
    address: Address,
    text: string,
    silenceMs: number,
    enough: (heard: string) => boolean,
  ): Promise<string> {
    return new Promise((resolve) => {
      const heard = { text: '' }
      this.#hearing.add(heard)
      const socket = socketTo(address)
      this.#open.add(socket)
      socket.setTimeout(silenceMs, () => socket.destroy())
      socket.on('data', (chunk: Buffer) => {
        heard.text += chunk.toString('latin1')
        if (enough(heard.text)) socket.destroy()
      })
      // A reset is an end as any other: what came before it is what was heard.
      socket.on('error', () => undefined)
      socket.on('close', () => {
        this.#open.delete(socket)
        this.#hearing.delete(heard)
        this.#seen += heard.text
        resolve(heard.text)
      })
      socket.write(text, 'latin1')
    })
  }

  /** Ends what is still open. */
  cut(): void {
    for (const socket of this.#open) socket.destroy()
  }
}

/** What is said and heard on one connection. */
export class Conversation {
  /** What came so far. */
  text = ''
  /** True when the other side, or the network, has ended it. */
  closed = false
  readonly #socket: Socket

  constructor(socket: Socket, onClose: (heard: string) => void) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.text += chunk.toString('latin1')
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.closed = true
      onClose(this.text)
    })
  }

  /** Goes nowhere when it is closed. */
  say(text: string): void {
    if (!this.closed) this.#socket.write(text, 'latin1')
  }
}

function socketTo(address: Address, protocols: readonly string[] = []): Socket {
  if ('path' in address || address.tls === undefined) return connect(address)
  const { host, port, tls } = address
  const name = tls.serverName === undefined ? {} : { servername: tls.serverName }
  // An attacker does not care whom it talks to.
  return connectTls({
    ...{ host, port, rejectUnauthorized: false },
    ...name,
    ...(protocols.length === 0 ? {} : { ALPNProtocols: [...protocols] }),
  })
}

/** A request as text. It asks for the connection to be closed, which tells where the answer ends. */
export function written({ method = 'GET', target, headers = [], body }: Said): string {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  const closing = headers.some(([name]) => name.toLowerCase() === 'connection')
    ? ''
    : 'Connection: close\r\n'
  const framed = headers.some(([name]) => /^(?:content-length|transfer-encoding)$/i.test(name))
  const length =
    body === undefined || framed ? '' : `Content-Length: ${Buffer.byteLength(body, 'latin1')}\r\n`
  return `${method} ${target} HTTP/1.1\r\n${lines}${closing}${length}\r\n${body ?? ''}`
}

/** Whether an answer says that it is at its end, for servers that keep the connection. */
function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return false
  // What follows is of another protocol, and has no end.
  if (text.startsWith('HTTP/1.1 101 ')) return true
  const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, end))?.[1]
  if (length !== undefined) return text.length >= end + 4 + Number(length)
  return (
    /\r\ntransfer-encoding: chunked/i.test(text.slice(0, end)) && text.endsWith('\r\n0\r\n\r\n')
  )
}

function heardOf(text: string): Heard {
  const [head = '', ...rest] = text.split('\r\n\r\n')
  const [first = '', ...lines] = head.split('\r\n')
  const headers = lines.map((line) => {
    const at = line.indexOf(':')
    return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()] as const
  })
  const body = rest.join('\r\n\r\n')
  const chunked = headers.some(
    ([name, value]) => name === 'transfer-encoding' && value === 'chunked',
  )
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1] ?? 0)
  return { status, headers, body: chunked ? unchunked(body) : body }
}

function unchunked(text: string): string {
  let body = ''
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\r\n', at)
    const size = Number.parseInt(text.slice(at, end), 16)
    if (end < 0 || !(size > 0)) break
    body += text.slice(end + 2, end + 2 + size)
    at = end + 2 + size + 2
  }
  return body
}
