import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { createInterface } from 'node:readline'
import { messageOf, RingfenceError } from '../core/errors.ts'
import type { Address } from '../http/call.ts'
import type { IncomingMessage } from 'node:http'

/** Longer than the silence between two signs of life. */
const SILENCE_MS = 45_000

export interface ServerEvent {
  readonly id: string | undefined
  readonly event: string
  readonly data: string
}

export interface StreamRefusal {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

/**
 * One connection's server-sent events (HTML, section 9.2), until it ends, however it ends.
 * @throws RingfenceError `engine_unavailable` when it cannot be opened or breaks
 */
export async function* eventStream(
  address: Address,
  path: string,
  headers: Readonly<Record<string, string>>,
  refused: (refusal: StreamRefusal) => Error,
  signal?: AbortSignal,
): AsyncGenerator<ServerEvent> {
  const response = await open(address, path, headers, signal).catch(brokenAs)
  if (response.statusCode !== 200) {
    const chunks: Buffer[] = []
    for await (const chunk of response) chunks.push(chunk as Buffer)
    const text = Buffer.concat(chunks).toString()
    throw refused({ status: response.statusCode ?? 500, headers: response.headers, text })
  }
  try {
    yield* parse(createInterface({ input: response, crlfDelay: Number.POSITIVE_INFINITY }))
  } catch (error) {
    brokenAs(error)
  } finally {
    response.destroy()
  }
}

function open(
  address: Address,
  path: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
): Promise<IncomingMessage> {
  const socketPath = address.startsWith('unix:') ? address.slice('unix:'.length) : undefined
  const url = new URL(path, socketPath === undefined ? address : 'http://localhost')
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest
  return new Promise((resolve, reject) => {
    const sending = request(url, {
      headers: { accept: 'text/event-stream', ...headers },
      timeout: SILENCE_MS,
      ...(socketPath === undefined ? {} : { socketPath }),
      ...(signal === undefined ? {} : { signal }),
    })
    sending.on('timeout', () => sending.destroy(new Error('silent for too long')))
    sending.on('response', (response) => {
      // A broken connection is reported by the reader of the lines; here it must not end the process.
      response.on('error', () => {})
      resolve(response)
    })
    sending.on('error', reject)
    sending.end()
  })
}

async function* parse(lines: AsyncIterable<string>): AsyncGenerator<ServerEvent> {
  let id: string | undefined
  let event = 'message'
  let data: string[] = []
  for await (const line of lines) {
    if (line === '') {
      if (data.length > 0) yield { id, event, data: data.join('\n') }
      event = 'message'
      data = []
      continue
    }
    const [, field, value] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? []
    if (field === 'id') id = value ?? ''
    else if (field === 'event') event = value ?? ''
    else if (field === 'data') data.push(value ?? '')
  }
}

function brokenAs(error: unknown): never {
  if (error instanceof RingfenceError) throw error
  throw new RingfenceError('engine_unavailable', 'the stream of events broke off', {
    detail: messageOf(error),
    cause: error,
  })
}
