import { RingfenceError } from '../core/errors.ts'

const TYPE = /^application\/x-www-form-urlencoded(?:\s*;\s*charset="?utf-8"?)?$/i
/** Longer forms are refused; the two tokens of an exchange take less than half of it. */
export const FORM_BYTES_MAX = 24 * 1024
const PARAMETERS_MAX = 30
const NAME = /^[a-z_]{1,40}$/
/** What a parameter may hold: RFC 6749, appendix A, allows visible ASCII and spaces in all of ours. */
const VALUE = /^[\x20-\x7e]*$/

/** The parameters of an OAuth request. A parameter without a value counts as left out (RFC 6749, 3.2). */
export interface Form {
  /** The value, and the last one of a parameter that is there more than once. */
  get(name: string): string | undefined
  /** Parameters that are there more than once: RFC 6749, section 3.2, forbids it. */
  readonly repeated: readonly string[]
}

/**
 * Reads `application/x-www-form-urlencoded` strictly: what cannot be decoded, or could be read in
 * two ways, is refused and not guessed at.
 * @throws RingfenceError `invalid_argument`. Values are not repeated: they are secrets.
 */
export function parseForm(text: string): Form {
  const values = new Map<string, string>()
  const repeated = new Set<string>()
  const pairs = text === '' ? [] : text.split('&')
  if (pairs.length > PARAMETERS_MAX) throw refused('too many parameters')
  for (const pair of pairs) {
    const cut = pair.indexOf('=')
    if (cut < 0) throw refused('a parameter without =')
    const name = decoded(pair.slice(0, cut))
    if (!NAME.test(name)) throw refused('a parameter that has no name of ours')
    const value = decoded(pair.slice(cut + 1))
    if (!VALUE.test(value)) throw refused(`${name} has other characters than visible ASCII`)
    if (values.has(name)) repeated.add(name)
    values.set(name, value)
  }
  return { get: (name) => values.get(name) || undefined, repeated: [...repeated] }
}

/**
 * Reads a form from a request, `FORM_BYTES_MAX` at most.
 * @throws RingfenceError `invalid_argument`
 */
export async function readForm(request: Request): Promise<Form> {
  if (!TYPE.test(request.headers.get('content-type') ?? '')) {
    throw refused('not application/x-www-form-urlencoded')
  }
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of request.body ?? []) {
    bytes += chunk.length
    if (bytes > FORM_BYTES_MAX) throw refused('too long')
    chunks.push(chunk)
  }
  return parseForm(Buffer.concat(chunks).toString('latin1'))
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    throw refused('a parameter that cannot be decoded')
  }
}

function refused(why: string): RingfenceError {
  return new RingfenceError('invalid_argument', `the form is not valid: ${why}`)
}
