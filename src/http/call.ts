import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { LookupFunction } from 'node:net'
import { messageOf, RingfenceError } from '../core/errors.ts'

const TIMEOUT_MS = 30_000
const ANSWER_BYTES_MAX = 32 * 1024 * 1024

/** Where a server is: `http://host:port`, `https://…`, or `unix:/path`. */
export type Address = string

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Milliseconds of silence after which the call is given up. Default 30 000. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
  /** Finds the host's addresses. It is not asked about one that is written as an address. */
  readonly lookup?: LookupFunction
  /** Bytes of an answer that are read; more of it is an error. Default 32 MiB. */
  readonly answerBytesMax?: number
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

/**
 * One HTTP call, over TCP or a unix socket, answered in memory. Any status is an answer.
 * @throws RingfenceError `engine_unavailable` when nobody answers, `timed_out`
 */
export function call(address: Address, what: Call): Promise<Answer> {
  const socketPath = address.startsWith('unix:') ? address.slice('unix:'.length) : undefined
  const url = new URL(what.path, socketPath === undefined ? address : 'http://localhost')
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) =>
      reject(
        error instanceof RingfenceError
          ? error
          : new RingfenceError('engine_unavailable', 'a part of the platform does not answer', {
              detail: messageOf(error),
              cause: error,
            }),
      )
    const sending = request(
      url,
      {
        method: what.method,
        headers: {
          ...what.headers,
          ...(what.body === undefined ? {} : { 'content-length': Buffer.byteLength(what.body) }),
        },
        timeout: what.timeoutMs ?? TIMEOUT_MS,
        ...(socketPath === undefined ? {} : { socketPath }),
        ...(what.signal === undefined ? {} : { signal: what.signal }),
        // A connection that another call has left open was made for whatever its look-up allowed.
        ...(what.lookup === undefined ? {} : { lookup: what.lookup, agent: false }),
      },
      (response) => {
        const chunks: Buffer[] = []
        let bytes = 0
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length
          if (bytes > (what.answerBytesMax ?? ANSWER_BYTES_MAX))
            sending.destroy(new Error('the answer is too long'))
          else chunks.push(chunk)
        })
        response.on('error', fail)
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 500,
            headers: response.headers,
            text: Buffer.concat(chunks).toString(),
          }),
        )
      },
    )
    sending.on('timeout', () =>
      sending.destroy(
        new RingfenceError('timed_out', 'a part of the platform did not answer in time'),
      ),
    )
    sending.on('error', fail)
    sending.end(what.body)
  })
}
