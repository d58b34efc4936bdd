import type { CallerAddresses } from './caller-address.ts'

/** What a listener knows of a connection beyond its bytes. */
export interface Connection {
  /** The name that the caller asked for in its TLS handshake; empty for none, undefined without TLS. */
  readonly serverName: string | undefined
  /** Undefined where callers come without proxies of ours. */
  readonly callers: CallerAddresses | undefined
}

const known = new WeakMap<object, Connection>()

/**
 * Writes down what a listener knows, for whoever reads requests from the connection.
 * @param carrier the socket, or the session of HTTP/2
 */
export function describeConnection(carrier: object, connection: Connection): void {
  known.set(carrier, connection)
}

/** Undefined for a connection of which nobody wrote anything down: without TLS, and through no proxy. */
export function connectionOf(carrier: object): Connection | undefined {
  return known.get(carrier)
}
