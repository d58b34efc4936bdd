import { randomFillSync } from 'node:crypto'

/**
 * Ids are made some at a time, in one text that each is a part of: they go into fields and logs as they
 * are, where one that is put together of twenty parts would first be made one text. Few, because whoever
 * keeps one keeps them all.
 */
const AT_ONCE = 16
const BYTES = 16
/** Asking for random bytes costs the same for few as for many. */
const random = Buffer.alloc(AT_ONCE * BYTES * 16)
let used = random.length

const TEXT = 36
const DASHES = [8, 13, 18, 23]
const DIGITS = Buffer.from('0123456789abcdef', 'latin1')
const texts = Buffer.alloc(AT_ONCE * TEXT, '-', 'latin1')
/** Where in a text its digits stand. */
const PLACES = Array.from({ length: TEXT }, (_, at) => at).filter((at) => !DASHES.includes(at))

let made = ''
let given = AT_ONCE

/** A name for a request that nobody has used or can foresee: a UUID of version 4 (RFC 9562). */
export function newRequestId(): string {
  if (given === AT_ONCE) {
    made = make()
    given = 0
  }
  const begin = given * TEXT
  given += 1
  return made.slice(begin, begin + TEXT)
}

function make(): string {
  if (used + AT_ONCE * BYTES > random.length) {
    randomFillSync(random)
    used = 0
  }
  for (let id = 0; id < AT_ONCE; id += 1) {
    for (let digit = 0; digit < 2 * BYTES; digit += 1) {
      const byte = random[used + (digit >> 1)] ?? 0
      const half = (digit & 1) === 0 ? byte >> 4 : byte & 15
      // The version, and the variant.
      const value = digit === 12 ? 4 : digit === 16 ? 8 | (half & 3) : half
      texts[id * TEXT + (PLACES[digit] ?? 0)] = DIGITS[value] ?? 0
    }
    used += BYTES
  }
  return texts.toString('latin1')
}
