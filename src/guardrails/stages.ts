import { Transform } from 'node:stream'
import type { RingfenceError } from '../core/errors.ts'
import { Decoding } from './decoding.ts'
import { Inspection } from './inspection.ts'
import { formatOf, isPlain, type MessageHead, refusalOf } from './message.ts'
import type { Direction, Rules } from './rules.ts'
import { type Tally, Verdict } from './verdict.ts'

/** Refuses a body that is longer than the rules let it be. */
export function sizeStage(
  { length }: MessageHead,
  { bytesMax }: Rules,
  direction: Direction,
): Transform | undefined {
  if (bytesMax === Number.POSITIVE_INFINITY) return undefined
  const refusal = () => refusalOf(direction, 'too_large', 'is too large')
  if (length !== undefined && length > bytesMax) return refused(direction, refusal())
  let bytes = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      if (bytes > bytesMax) done(refusal())
      else done(undefined, chunk)
    },
  })
}

/** Refuses a body of a type that the rules do not have. */
export function typeStage(
  { mediaType }: MessageHead,
  { mediaTypes }: Rules,
  direction: Direction,
): Transform | undefined {
  const isAllowed = mediaTypes.every((allowed) =>
    allowed.some((range) =>
      range.endsWith('/*') ? mediaType.startsWith(range.slice(0, -1)) : range === mediaType,
    ),
  )
  if (isAllowed) return undefined
  const refusal = refusalOf(direction, 'unsupported_media_type', 'is not of a type that is allowed')
  return refused(direction, refusal)
}

/** Whether a body must be without its coding to be looked at, and can be. */
export function needsDecoding(head: MessageHead, { looks }: Rules): boolean {
  return looks && !isPlain(head.coding) && formatOf(head) !== undefined
}

/** Takes a content coding off. What follows gets the body without one. Undefined for an unknown one. */
export function decodingStage(coding: string, direction: Direction): Transform | undefined {
  const name = coding.toLowerCase()
  return Decoding.supports(name) ? new Decoding(name, direction) : undefined
}

/** Looks for what the rules name. What cannot be looked at is refused, unless it would only be counted. */
export function lookingStage(
  head: MessageHead,
  rules: Rules,
  direction: Direction,
  tally: Tally,
): Transform | undefined {
  if (!rules.looks) return undefined
  const verdict = new Verdict(rules, direction, tally)
  const format = formatOf(head)
  if (format !== undefined) return new Inspection(format, verdict)
  verdict.count(`unreadable:${rules.isStrict ? 'block' : 'flag'}`)
  if (!rules.isStrict) return undefined
  const refusal = refusalOf(
    direction,
    'unsupported_media_type',
    'is not of a type, charset and coding that can be looked at',
  )
  return refused(direction, refusal)
}

/**
 * A request is refused by its head. An answer may turn out to have no body at all, as those to HEAD
 * and those that say that nothing has changed: it is refused with its first byte.
 */
function refused(direction: Direction, refusal: RingfenceError): Transform {
  if (direction === 'request') throw refusal
  return new Transform({
    transform(_chunk: Buffer, _encoding, done) {
      done(refusal)
    },
  })
}
