import type { IncomingMessage } from 'node:http'
import { parseHost } from './host.ts'

/** RFC 7239, as of this hop: what came from outside says nothing. */
export function forwardedHeader(request: IncomingMessage, protocol: 'http' | 'https'): string {
  const address = (request.socket.remoteAddress ?? 'unknown').replace(/^::ffff:/, '')
  const node = address.includes(':') ? `"[${address.replace(/%.*$/, '')}]"` : address
  const host = parseHost(request.headers.host ?? '')
  return `for=${node};proto=${protocol}${host === undefined ? '' : `;host="${host}"`}`
}
