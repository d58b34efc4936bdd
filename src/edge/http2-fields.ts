import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest, ServerHttp2Stream } from 'node:http2'

/** The stream of a request that came by HTTP/2; undefined for one of HTTP/1.1. */
export function streamOf(
  request: IncomingMessage | Http2ServerRequest,
): ServerHttp2Stream | undefined {
  return 'stream' in request ? request.stream : undefined
}

/**
 * The fields of an HTTP/2 request as HTTP/1.1 would have them (RFC 9113, section 8): the authority as
 * `host`, cookies in one field, and a body of unknown length as a chunked one, so that every reader
 * behind us reads the same. Two authorities stay two hosts: it is not for this function to choose.
 */
export function fieldsOfHttp2(
  rawHeaders: readonly string[],
  stream: Pick<ServerHttp2Stream, 'endAfterHeaders'>,
): readonly string[] {
  const fields: string[] = []
  const hosts = new Set<string>()
  const cookies: string[] = []
  let hasLength = false
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const [name = '', value = ''] = [rawHeaders[index], rawHeaders[index + 1]]
    if (name === ':authority' || name === 'host') hosts.add(value)
    else if (name === 'cookie') cookies.push(value)
    else if (!name.startsWith(':')) fields.push(name, value)
    hasLength ||= name === 'content-length'
  }
  for (const host of [...hosts].toReversed()) fields.unshift('host', host)
  if (cookies.length > 0) fields.push('cookie', cookies.join('; '))
  if (!hasLength && !stream.endAfterHeaders) fields.push('transfer-encoding', 'chunked')
  return fields
}
