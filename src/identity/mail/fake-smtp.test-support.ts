import { createServer, type Socket } from 'node:net'
import { once } from 'node:events'
import { TLSSocket } from 'node:tls'

export interface FakeSmtpOptions {
  /** Offers STARTTLS with these; without them nothing is encrypted. */
  readonly tls?: { readonly key: string; readonly cert: string }
  /** Answers RCPT with this, as long as it is there. */
  readonly refuse?: () => string | undefined
}

export interface FakeSmtp {
  readonly port: number
  /** Everything that was said, a line each, with `tls:` before what came encrypted. */
  readonly lines: string[]
  /** Mails that were taken. */
  readonly mails: string[]
  stop(): Promise<void>
}

/** A mail server of a few commands (RFC 5321), enough to see what is said to it. */
export async function startFakeSmtp(options: FakeSmtpOptions = {}): Promise<FakeSmtp> {
  const lines: string[] = []
  const mails: string[] = []
  const sockets = new Set<Socket>()
  const talk = (socket: Socket, encrypted: boolean) => {
    let buffer = ''
    let body: string[] | undefined
    const say = (line: string) => socket.write(`${line}\r\n`)
    const hear = (line: string) => {
      if (body !== undefined) {
        if (line !== '.') return void body.push(line)
        mails.push(body.join('\n'))
        body = undefined
        return say('250 taken')
      }
      lines.push(`${encrypted ? 'tls:' : ''}${line}`)
      const verb = line.slice(0, 4).toUpperCase()
      if (verb === 'EHLO') {
        say('250-fake.example')
        return say(options.tls && !encrypted ? '250 STARTTLS' : '250 AUTH PLAIN')
      }
      if (verb === 'STAR' && options.tls) {
        say('220 go on')
        socket.removeAllListeners('data')
        const secure = new TLSSocket(socket, { isServer: true, ...options.tls })
        secure.on('error', () => {})
        return talk(secure, true)
      }
      if (verb === 'STAR') return say('502 no such command')
      if (verb === 'RCPT') return say(options.refuse?.() ?? '250 fine')
      if (verb === 'DATA') {
        body = []
        return say('354 go on')
      }
      if (verb === 'AUTH') return say('235 welcome')
      if (verb === 'QUIT') return socket.end('221 bye\r\n')
      return say('250 fine')
    }
    socket.on('data', (chunk) => {
      buffer += chunk.toString()
      for (let end = buffer.indexOf('\r\n'); end >= 0; end = buffer.indexOf('\r\n')) {
        const line = buffer.slice(0, end)
        buffer = buffer.slice(end + 2)
        hear(line)
      }
    })
    if (!encrypted) say('220 fake.example')
  }
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    talk(socket, false)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    lines,
    mails,
    async stop() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}
