import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  createServer,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from 'node:http2'

/** Serves a request that came by either version of HTTP. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => void

export interface Http2Limits {
  readonly headerBytesMax: number
  /** Without a stream and without a byte. */
  readonly idleMs: number
}

/** Streams of one connection at once. */
const STREAMS_MAX = 128
/** Megabytes that a session may make us keep. */
const SESSION_MEGABYTES_MAX = 10

/**
 * HTTP/2 for connections that are handed to it; it does not listen. Its parser refuses names in upper
 * case, fields of a single connection, pseudo-fields that are unknown, repeated or late (RFC 9113,
 * section 8). Frames that only cost us something are limited: resets as fast as requests
 * (CVE-2023-44487), fields without an end, settings and pings without a pause.
 */
export function http2Front(handler: Handler, limits: Http2Limits): Http2Server {
  const server = createServer({
    settings: {
      maxConcurrentStreams: STREAMS_MAX,
      maxHeaderListSize: limits.headerBytesMax,
      // Nothing is pushed, and no other protocol is begun inside a stream (RFC 8441).
      enablePush: false,
      enableConnectProtocol: false,
    },
    maxSessionMemory: SESSION_MEGABYTES_MAX,
    maxSessionInvalidFrames: 20,
    maxSessionRejectedStreams: 20,
    maxOutstandingPings: 4,
    maxSettings: 16,
    streamResetBurst: 200,
    streamResetRate: 20,
    strictFieldWhitespaceValidation: true,
  })
  const serve = (request: Http2ServerRequest, response: Http2ServerResponse) => {
    // The setting is a word to callers; the parser lets more pass.
    if (bytesOf(request.rawHeaders) > limits.headerBytesMax) response.writeHead(431).end()
    // Node's compatible form of a request and its answer has what the handler uses of HTTP/1.1's.
    else handler(request as unknown as IncomingMessage, response as unknown as ServerResponse)
  }
  server.on('request', serve)
  server.on('checkContinue', serve)
  server.on('session', (session: ServerHttp2Session) => {
    session.setTimeout(limits.idleMs, () => {
      session.close()
    })
  })
  return server
}

function bytesOf(rawHeaders: readonly string[]): number {
  let bytes = 0
  for (const text of rawHeaders) bytes += text.length
  return bytes
}
