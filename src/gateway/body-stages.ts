import type { Transform } from 'node:stream'
import { messageOf, RingfenceError } from '../core/errors.ts'
import type { BodyHead, BodyStage } from './body.ts'
import { Denial } from './denial.ts'
import { type Headers, valuesOf } from './headers.ts'

/** Fields that no longer hold when a body may have been changed on the way. */
const OF_THE_BODY = new Set([
  'content-length',
  'content-md5',
  'digest',
  'content-digest',
  'repr-digest',
  'etag',
  'accept-ranges',
])

/** What a message's fields say about its body. */
export function bodyHeadOf(headers: Headers): BodyHead {
  const [type = '', ...parameters] = (valuesOf(headers, 'content-type')[0] ?? '').split(';')
  const [length] = valuesOf(headers, 'content-length')
  const bytes = length === undefined ? Number.NaN : Number(length)
  return {
    mediaType: type.trim().toLowerCase(),
    charset: charsetIn(parameters),
    coding: valuesOf(headers, 'content-encoding').join(', ').trim(),
    length: Number.isSafeInteger(bytes) && bytes >= 0 ? bytes : undefined,
  }
}

function charsetIn(parameters: readonly string[]): string | undefined {
  for (const parameter of parameters) {
    const [name = '', value = ''] = parameter.split('=', 2)
    if (name.trim().toLowerCase() !== 'charset') continue
    return value
      .trim()
      .replace(/^"(.*)"$/, '$1')
      .toLowerCase()
  }
  return undefined
}

/**
 * The stages that have something to do with a body, in order, each a stream of its own.
 * @throws Denial of a stage that refuses the body by its head
 */
export function stagesFor(stages: readonly BodyStage[], head: () => BodyHead): Transform[] {
  if (stages.length === 0) return []
  const known = head()
  return stages.flatMap((stage) => stage(known) ?? [])
}

/** Without what was said of the body as it was before a stage. */
export function withoutBodyFacts(headers: Headers): Headers {
  return headers.filter(([name]) => !OF_THE_BODY.has(name))
}

/** A stage that failed without refusing has looked at nothing: then nothing passes. */
export function stageDenial(error: unknown): RingfenceError {
  if (error instanceof RingfenceError) return error
  return new Denial(
    'internal',
    'something went wrong on our side',
    `body stage: ${messageOf(error)}`,
  )
}
