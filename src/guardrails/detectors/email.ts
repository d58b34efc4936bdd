import type { Detector, Span } from './detector.ts'

const LOCAL_MAX = 64
/** Shorter than the standard allows: so that all of it fits into what is kept of a stream. */
const DOMAIN_MAX = 63

const LOCAL = /[\p{L}\p{N}.!#$%&'*+/=?^_`{|}~-]/u
const DOMAIN = /[\p{L}\p{N}.-]/u
const TOP = /\.(?:\p{L}{2,24}|xn--[a-z0-9-]{2,59})$/iu
/** What looks like a top-level domain and is the ending of a file's name. */
const FILE =
  /\.(?:png|jpe?g|gif|svg|webp|js|ts|css|html?|json|ya?ml|zip|gz|tar|exe|dll|so|md|txt|pdf|py|rb|rs|java)$/i

/** Addresses of electronic mail: what is around each `@`. */
export const EMAIL: Detector = {
  kind: 'email',
  mayHave: ({ hasAt }) => hasAt,
  find({ text }) {
    const found: Span[] = []
    for (let at = text.indexOf('@'); at !== -1; at = text.indexOf('@', at + 1)) {
      const span = around(text, at)
      if (span !== undefined) found.push(span)
    }
    return found
  },
}

function around(text: string, at: number): Span | undefined {
  let start = at
  while (start > 0 && at - start < LOCAL_MAX && LOCAL.test(text[start - 1] ?? '')) start -= 1
  while (start < at && /[.'`/=&?|]/.test(text[start] ?? '')) start += 1
  let end = at + 1
  while (end < text.length && end - at <= DOMAIN_MAX && DOMAIN.test(text[end] ?? '')) end += 1
  while (end > at && /[.-]/.test(text[end - 1] ?? '')) end -= 1
  const domain = text.slice(at + 1, end)
  const isDomain = TOP.test(domain) && !domain.includes('..') && !FILE.test(domain)
  // `git@host:path` and `name:secret@host` are no mailboxes.
  const isAddress = text[end] !== ':' || text[end + 1] === ' ' || text[end + 1] === undefined
  return isDomain && isAddress && start < at ? { start, end } : undefined
}
