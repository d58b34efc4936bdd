import { RingfenceError } from '../core/errors.ts'

/** Of one request. */
export const BODY_BYTES_MAX = 1024 * 1024
export const EVENTS_MAX = 1_000

const SINGLE = 'application/cloudevents+json'
const BATCH = 'application/cloudevents-batch+json'
const JSON_TYPE = 'application/json'
const PREFIX = 'ce-'

/**
 * The events of a request in the forms of the CloudEvents HTTP binding (1.0.2): one structured, a batch, or
 * one in binary mode. Nothing of them is judged yet.
 * @throws RingfenceError `unsupported_media_type`, `too_large`, `invalid_argument`
 */
export async function readCloudEvents(request: Request): Promise<readonly unknown[]> {
  const type = mediaType(request.headers.get('content-type') ?? '')
  if (type === SINGLE) return [readJson(await readBody(request))]
  if (type === BATCH) {
    const events = readJson(await readBody(request))
    if (!Array.isArray(events)) throw refused('a batch is a JSON array')
    if (events.length > EVENTS_MAX) {
      throw new RingfenceError('too_large', `a batch has at most ${EVENTS_MAX} events`)
    }
    return events
  }
  if (type === JSON_TYPE && request.headers.has('ce-specversion')) {
    return [{ ...attributesOf(request.headers), data: readJson(await readBody(request)) }]
  }
  throw new RingfenceError(
    'unsupported_media_type',
    `events come as ${BATCH}, as ${SINGLE}, or as ${JSON_TYPE} with ce- fields`,
  )
}

/** Without parameters; empty when one says that the text is in another encoding than UTF-8. */
function mediaType(field: string): string {
  const [type = '', ...parameters] = field.toLowerCase().split(';')
  const isUtf8 = parameters.every((text) => /^\s*(?:charset\s*=\s*"?utf-8"?)?\s*$/.test(text))
  return isUtf8 ? type.trim() : ''
}

async function readBody(request: Request): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of request.body ?? []) {
    bytes += chunk.length
    if (bytes > BODY_BYTES_MAX) {
      throw new RingfenceError('too_large', `a request has at most ${BODY_BYTES_MAX} bytes`)
    }
    chunks.push(chunk)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
  } catch {
    throw refused('the text is not UTF-8')
  }
}

function readJson(text: string): unknown {
  try {
    // A key that is there twice counts as its last one says. Nobody else reads this text.
    return JSON.parse(text)
  } catch {
    throw refused('the text is not JSON')
  }
}

/** Section 3.1.3: each attribute a field, its value percent-encoded, quotes around it or not. */
function attributesOf(headers: Headers): Readonly<Record<string, string>> {
  const attributes: Record<string, string> = { datacontenttype: JSON_TYPE }
  for (const [name, value] of headers) {
    if (name.startsWith(PREFIX)) attributes[name.slice(PREFIX.length)] = decoded(value)
  }
  return attributes
}

function decoded(value: string): string {
  const plain = /^"(.*)"$/.exec(value)?.[1]?.replaceAll(/\\(.)/g, '$1') ?? value
  try {
    return decodeURIComponent(plain)
  } catch {
    throw refused('a ce- field that cannot be decoded')
  }
}

function refused(why: string): RingfenceError {
  return new RingfenceError('invalid_argument', `these are no CloudEvents: ${why}`)
}
