import { type IncomingMessage, type Server, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Exchange } from './exchange.ts'
import { type Headers, valuesOf } from './headers.ts'

/** A connection that its caller wishes to use for another protocol from now on. */
export interface Upgrade {
  readonly socket: Socket
  /** What came already behind the request's head. */
  readonly head: Buffer
}

const upgrades = new WeakMap<IncomingMessage, Upgrade>()

/** The connection of a request to upgrade; undefined for any other request. */
export function upgradeOf(request: IncomingMessage): Upgrade | undefined {
  return upgrades.get(request)
}

/** Whether a request asks for another protocol. */
export function asksToUpgrade({ incoming }: Pick<Exchange, 'incoming'>): boolean {
  return valuesOf(incoming, 'upgrade').length > 0
}

/** For a server's `shouldUpgradeCallback`: other upgrades stay ordinary requests, which a check refuses. */
export function isForWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket'
}

/**
 * Hands requests for WebSockets to the handler that all others go to, with a response that refuses as
 * any other does.
 */
export function serveUpgrades(
  server: Server,
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): void {
  server.on('upgrade', (request, socket, head) => {
    if (!(socket instanceof Socket)) {
      socket.destroy()
      return
    }
    // Whoever resets it is gone; 'close' follows.
    socket.on('error', () => undefined)
    const response = new ServerResponse(request)
    response.shouldKeepAlive = false
    response.assignSocket(socket)
    response.once('finish', () => socket.destroySoon())
    upgrades.set(request, { socket, head })
    handler(request, response)
  })
}

/** 16 bytes in Base64. */
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/

/** Whether a request to upgrade is a WebSocket's opening handshake and nothing else (RFC 6455, section 4.2.1). */
export function isHandshake(method: string, incoming: Headers): boolean {
  const one = (name: string) => {
    const values = valuesOf(incoming, name)
    return values.length === 1 ? values[0] : undefined
  }
  return (
    method === 'GET' &&
    one('upgrade')?.toLowerCase() === 'websocket' &&
    one('sec-websocket-version') === '13' &&
    KEY.test(one('sec-websocket-key') ?? '') &&
    valuesOf(incoming, 'transfer-encoding').length === 0 &&
    valuesOf(incoming, 'content-length').length === 0
  )
}
