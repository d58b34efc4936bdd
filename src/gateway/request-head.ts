import type { IncomingMessage } from 'node:http'
import { parseAddress, UNKNOWN_ADDRESS } from '../edge/address.ts'
import { connectionOf } from '../edge/connection.ts'
import { fieldsOfHttp2, streamOf } from '../edge/http2-fields.ts'
import { type Inner, innerOf } from './inner.ts'

/** A request without its body, whichever way it came: over HTTP, or as another proxy's question. */
export interface RequestHead {
  readonly method: string
  /** As it stood in the request line. */
  readonly target: string
  /** As Node's `rawHeaders`, in the terms of HTTP/1.1. */
  readonly rawHeaders: readonly string[]
  /** The caller's, as `parseAddress` gives it, or `unknown`. */
  readonly address: string
  /** The name in the TLS handshake; empty for none, undefined where we have not ended TLS ourselves. */
  readonly serverName: string | undefined
  /** Where the gateway itself is the caller; undefined for every request from outside. */
  readonly inner: Inner | undefined
}

/** @param request of HTTP/1.1 or, by Node's compatible form of it, of HTTP/2 */
export function headOf(request: IncomingMessage): RequestHead {
  const inner = innerOf(request.socket)
  const stream = streamOf(request)
  const rawHeaders =
    stream === undefined ? request.rawHeaders : fieldsOfHttp2(request.rawHeaders, stream)
  const connection = connectionOf(stream?.session ?? request.socket)
  const peer = parseAddress(request.socket.remoteAddress ?? '') ?? UNKNOWN_ADDRESS
  return {
    method: request.method ?? '',
    target: request.url ?? '',
    rawHeaders,
    address: inner?.address ?? connection?.callers?.of(peer, rawHeaders) ?? peer,
    serverName: inner === undefined ? connection?.serverName : inner.serverName,
    inner,
  }
}
