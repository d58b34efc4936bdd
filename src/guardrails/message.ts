import { RingfenceError } from '../core/errors.ts'
import type { Direction } from './rules.ts'

/** What the fields of a message say about its body. */
export interface MessageHead {
  /** In lower case and without parameters; empty when it is not said. */
  readonly mediaType: string
  readonly charset: string | undefined
  /** Empty for none. */
  readonly coding: string
  readonly length: number | undefined
}

/** How a body is looked at. */
export type Format = 'json' | 'form' | 'text' | 'events' | 'lines'

const FORMATS: Readonly<Record<string, Format>> = {
  'application/x-www-form-urlencoded': 'form',
  'text/plain': 'text',
  'text/markdown': 'text',
  'text/csv': 'text',
  'text/tab-separated-values': 'text',
  'text/event-stream': 'events',
  'application/x-ndjson': 'lines',
  'application/ndjson': 'lines',
  'application/jsonl': 'lines',
}
const CHARSETS = new Set(['utf-8', 'utf8', 'us-ascii', undefined])
const CODINGS = new Set(['gzip', 'x-gzip', 'deflate', 'br'])

/** How a body can be looked at; undefined when it cannot. */
export function formatOf({ mediaType, charset, coding }: MessageHead): Format | undefined {
  if (!CHARSETS.has(charset)) return undefined
  if (!isPlain(coding) && !CODINGS.has(coding.toLowerCase())) return undefined
  if (/^(?:application\/json|[\w.-]+\/[\w.-]+\+json)$/.test(mediaType)) return 'json'
  return Object.hasOwn(FORMATS, mediaType) ? FORMATS[mediaType] : undefined
}

export function isPlain(coding: string): boolean {
  return coding === '' || coding.toLowerCase() === 'identity'
}

/** The refusal of a message that nobody can look at, or that is not what it must be. */
export function refusalOf(
  direction: Direction,
  code: 'unsupported_media_type' | 'invalid_argument' | 'too_large',
  why: string,
): RingfenceError {
  return direction === 'request'
    ? new RingfenceError(code, `the body ${why}`)
    : new RingfenceError('upstream_failed', `the answer ${why}`)
}
