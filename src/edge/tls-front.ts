import type { Socket } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'
import type { Certificate, CertificateStore } from './certificate-store.ts'
import { TLS_SETTINGS } from './tls-settings.ts'

export interface TlsFrontOptions {
  readonly certificates: CertificateStore
  /** For the whole handshake. */
  readonly handshakeMs: number
  /** @param serverName in lower case; empty when the caller named none */
  readonly onSecure: (socket: TLSSocket, serverName: string) => void
  /** A handshake that came to nothing. */
  readonly onFault: (socket: Socket) => void
}

export interface TlsFront {
  /** Takes a connection that was made. */
  accept(socket: Socket): void
  close(): void
}

/** How often the certificate for callers who name no host is looked at again. Milliseconds. */
const LOOK_EVERY_MS = 1_000

/** Ends TLS, 1.2 and newer, with the certificate of the host that the caller names. It does not listen. */
export async function tlsFront(options: TlsFrontOptions): Promise<TlsFront> {
  const { certificates, handshakeMs, onSecure, onFault } = options
  const server = createServer({
    ...TLS_SETTINGS,
    ALPNProtocols: ['h2', 'http/1.1'],
    handshakeTimeout: handshakeMs,
    SNICallback(host, done) {
      certificates.contextFor(host).then((context) => {
        if (context === undefined) done(new Error('no certificate for this name'))
        else done(null, context)
      }, done)
    },
  })
  const pending = new Set<string>()
  server.on('secureConnection', (socket) => {
    pending.delete(placeOf(socket))
    onSecure(socket, typeof socket.servername === 'string' ? socket.servername.toLowerCase() : '')
  })
  server.on('tlsClientError', (_error, socket) => {
    socket.destroy()
  })
  let inUse: Certificate | undefined
  const look = async () => {
    const certificate = await certificates.fallback()
    if (certificate === inUse || certificate === undefined) return
    inUse = certificate
    server.setSecureContext({ ...TLS_SETTINGS, key: certificate.key, cert: certificate.chain })
  }
  await look()
  const timer = setInterval(() => void look(), LOOK_EVERY_MS).unref()
  return {
    accept(socket) {
      const place = placeOf(socket)
      pending.add(place)
      socket.once('close', () => {
        if (pending.delete(place)) onFault(socket)
      })
      server.emit('connection', socket)
    },
    close: () => clearInterval(timer),
  }
}

/** What the connection and the secured one over it have in common. */
function placeOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}
