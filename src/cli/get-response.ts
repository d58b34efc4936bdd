import { request as httpRequest, type IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { messageOf, RingfenceError } from '../core/errors.ts'
import type { Address } from '../http/call.ts'

/** Statuses that may have no body: a Response refuses one. */
const BODYLESS: ReadonlySet<number> = new Set([204, 205, 304])

/**
 * One answer as it streams, over TCP or a unix socket. Any status is an answer; a redirection is none: what
 * is sent goes where it was said to go, and nowhere else.
 * @throws RingfenceError `engine_unavailable`
 */
export async function getResponse(
  address: Address,
  path: string,
  headers: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<Response> {
  const more = signal === undefined ? {} : { signal }
  try {
    if (!address.startsWith('unix:')) {
      return await fetch(address + path, { headers, redirect: 'error', ...more })
    }
    const socketPath = address.slice('unix:'.length)
    const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
      httpRequest({ socketPath, path, headers: { host: 'localhost', ...headers }, ...more })
        .on('response', resolve)
        .on('error', reject)
        .end()
    })
    const status = incoming.statusCode ?? 500
    const body = Readable.toWeb(incoming) as ReadableStream<Uint8Array>
    return new Response(BODYLESS.has(status) ? null : body, { status })
  } catch (error) {
    throw new RingfenceError('engine_unavailable', `${address} does not answer`, {
      detail: messageOf(error),
      cause: error,
    })
  }
}
