import type { IncomingMessage } from 'node:http'

/** A request without its body, whichever way it came: over HTTP, or as another proxy's question. */
export interface RequestHead {
  readonly method: string
  /** As it stood in the request line. */
  readonly target: string
  /** As Node's `rawHeaders`. */
  readonly rawHeaders: readonly string[]
  /** The caller's, without a zone: `192.0.2.7`, `2001:db8::7`, or `unknown`. */
  readonly address: string
}

export function headOf(request: IncomingMessage): RequestHead {
  return {
    method: request.method ?? '',
    target: request.url ?? '',
    rawHeaders: request.rawHeaders,
    address: plainAddress(request.socket.remoteAddress),
  }
}

/** An address as ranges are compared with it: IPv4 as IPv4, no zone. */
export function plainAddress(address: string | undefined): string {
  return (address ?? 'unknown').replace(/^::ffff:(?=\d+\.)/, '').replace(/%.*$/, '')
}
