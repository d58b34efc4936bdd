/** What stands in place of what was taken out. */
export const REDACTED = '[redacted]'

/**
 * Names of fields whose values are secrets, whatever they hold: as a whole or as a part between
 * separators, in any case: `client_secret`, `Authorization`, `setCookie`.
 */
const SECRET_WORD =
  /(?:^|[_.\-\s])(?:passcode|passphrase|pwd|jwt|assertion|dpop|otp|totp|pin|verifier|signature|sid|e-?mail|mail|phone)(?:$|[_.\-\s])/
/** Wherever they stand in a name. */
const SECRET_PART =
  /authorization|cookie|passw|secret|token|credential|api[-_]?key|private[-_]?key|signing[-_]?key|routing[-_]?key|session[-_]?id/

const CAMEL = /([a-z0-9])([A-Z])/g

/** True for names of fields whose values must not be in a log. */
export function isSecretName(name: string): boolean {
  const parted = name.replace(CAMEL, '$1_$2').toLowerCase()
  return (
    SECRET_WORD.test(parted) || SECRET_WORD.test(name.toLowerCase()) || SECRET_PART.test(parted)
  )
}

/**
 * Whether there may be anything to take out: asked of text in lower case, which takes a tenth of what a
 * search without regard to case does. It errs on the side of yes, and holds whatever `PATTERNS` hold.
 */
const SUSPECT =
  /@|%40|eyj|-----begin|scram-|whsec_|rf[a-z]_|basic|bearer|dpop|digest|negotiate|authorization|cookie|passw|pwd|passcode|passphrase|secret|token|assertion|credential|verifier|api[-_]?key|private[-_]?key|signature|session|code=|otp|pin|sid|jwt/

/** So many letters and digits in a row are looked at: a hash in hexadecimal, or something random. */
const RUN = 40
const IN_RUN = new Uint8Array(128)
for (const letter of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+/-') {
  IN_RUN[letter.charCodeAt(0)] = 1
}

function hasRun(text: string): boolean {
  let run = 0
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (code < 128 && IN_RUN[code] === 1) {
      run += 1
      if (run >= RUN) return true
    } else run = 0
  }
  return false
}

const PATTERNS: readonly (readonly [RegExp, string])[] = [
  // Keys in PEM, to their end or to the end of the text.
  [/-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,40}-----|$)/g, REDACTED],
  // JSON Web Tokens, encrypted ones too, and what is left of one that was cut off.
  [/\beyJ[\w-]{5,}(?:\.[\w-]*){0,4}/g, REDACTED],
  // `Authorization: Basic …`, `Cookie: …` and `Set-Cookie: …` to the end of the line.
  [
    /\b(proxy-authorization|authorization|set-cookie|cookie)(["']?\s*[:=]\s*)[^\r\n]*/gi,
    `$1$2${REDACTED}`,
  ],
  [/\b(bearer|basic|dpop|digest|negotiate)\s+[\w.~+/=-]{4,}/gi, `$1 ${REDACTED}`],
  // A password in a URL.
  [/(:\/\/)[^/\s@]{0,200}@/g, `$1${REDACTED}@`],
  [/\bSCRAM-SHA-256\$\S+/g, REDACTED],
  // Our own secrets, which say by their beginnings what they are.
  [/\b(?:whsec|rf[a-z])_[\w+/=-]{8,}/g, REDACTED],
  // `password=…`, `"client_secret": "…"`, `?code=…&…`.
  [
    /\b([\w.-]{0,40}(?:passw(?:or)?d|pwd|passcode|passphrase|secret|token|assertion|credential|verifier|api[-_]?key|private[-_]?key|signature|session[-_]?id)|otp|totp|pin|sid|jwt|dpop)(["']?\s{0,3}[:=]\s{0,3})(\[redacted\]|"(?:[^"\\]|\\.){0,4000}"?|'[^']{0,4000}'?|[^\s&,;"'}\])]{1,4000})/gi,
    `$1$2${REDACTED}`,
  ],
  // Authorization codes: elsewhere `code` is what an error is called.
  [/([?&#]code=)[^\s&#"']{1,4000}/gi, `$1${REDACTED}`],
  // Addresses of mail, also as they stand in URLs.
  [/[^\s@<>()[\]"',;:=&?/]{1,64}(?:@|%40)[a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?/gi, REDACTED],
]

/** Long and random: mixed case with digits. Hexadecimal ids of traces and hashes are neither. */
const RANDOM = /[A-Za-z0-9_+/-]{40,}={0,2}/g

/** The text without what must not be in a log. */
export function redactText(text: string): string {
  if (isClean(text)) return text
  let clean = text
  for (const [pattern, by] of PATTERNS) clean = clean.replace(pattern, by)
  return clean.replace(RANDOM, (found) => (isRandom(found) ? REDACTED : found))
}

function isRandom(text: string): boolean {
  return /[a-z]/.test(text) && /[A-Z]/.test(text) && /\d/.test(text)
}

/** True when a text has nothing to take out for sure. */
export function isClean(text: string): boolean {
  return !SUSPECT.test(text.toLowerCase()) && !hasRun(text)
}

const DEPTH_MAX = 6
const ENTRIES_MAX = 100

/** The same for a value of JSON: by names of fields, and by what texts hold. */
export function redactValue(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth >= DEPTH_MAX) return REDACTED
  if (Array.isArray(value)) {
    return value.slice(0, ENTRIES_MAX).map((one) => redactValue(one, depth + 1))
  }
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, ENTRIES_MAX)
      .map(([name, one]) => [
        redactText(name),
        isSecretName(name) ? REDACTED : redactValue(one, depth + 1),
      ]),
  )
}
