import type { IncomingMessage } from 'node:http'
import { RingfenceError } from '../../../core/errors.ts'

const TYPE = /^application\/x-www-form-urlencoded(?:\s*;\s*charset="?utf-8"?)?$/i
/** The answer of an authenticator, with an attestation, takes about 3 KB. */
export const PAGE_FORM_BYTES_MAX = 24 * 1024
const FIELDS_MAX = 30
const NAME = /^[a-z][a-z0-9_-]{0,39}$/
/** People's names and passwords are of all letters; what steers terminals and lines is not a letter. */
const CONTROL = /\p{Cc}/u

/** The fields of a form as people fill them in. Absent and empty are the same. */
export interface PageForm {
  get(name: string): string | undefined
}

/**
 * Reads a form of a page: any text in UTF-8, each field once.
 * @throws RingfenceError `invalid_argument`, `too_large`. What was typed is not repeated.
 */
export async function readPageForm(request: IncomingMessage): Promise<PageForm> {
  if (!TYPE.test(request.headers['content-type'] ?? '')) throw refused('not a form')
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > PAGE_FORM_BYTES_MAX) throw new RingfenceError('too_large', 'the form is too long')
    chunks.push(chunk)
  }
  return parsePageForm(Buffer.concat(chunks).toString('latin1'))
}

/** @throws RingfenceError `invalid_argument` */
export function parsePageForm(text: string): PageForm {
  const fields = new Map<string, string>()
  const pairs = text === '' ? [] : text.split('&')
  if (pairs.length > FIELDS_MAX) throw refused('too many fields')
  for (const pair of pairs) {
    const cut = pair.indexOf('=')
    const name = decoded(pair.slice(0, Math.max(cut, 0)))
    if (!NAME.test(name)) throw refused('a field that is not ours')
    if (fields.has(name)) throw refused('a field that is there twice')
    const value = decoded(pair.slice(cut + 1))
    if (CONTROL.test(value)) throw refused('control characters')
    fields.set(name, value)
  }
  return { get: (name) => fields.get(name) || undefined }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    throw refused('text that is not UTF-8')
  }
}

function refused(why: string): RingfenceError {
  return new RingfenceError('invalid_argument', `the form is not valid: ${why}`)
}
