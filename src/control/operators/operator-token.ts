import { createHash, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'

/**
 * `rfo_`, 43 characters of 256 random bits, 6 of a checksum. The prefix and the checksum let secret
 * scanners tell a real one from noise, and let us refuse a mistyped one without asking the database.
 */
const TOKEN = /^rfo_[A-Za-z0-9_-]{43}[0-9a-z]{6}$/
const PREFIX = 'rfo_'
const CHECKSUM_CHARACTERS = 6
const SECRET_BYTES = 32

export function newOperatorToken(): string {
  const body = `${PREFIX}${randomBytes(SECRET_BYTES).toString('base64url')}`
  return `${body}${checksum(body)}`
}

export function isOperatorToken(text: string): boolean {
  if (!TOKEN.test(text)) return false
  const body = text.slice(0, -CHECKSUM_CHARACTERS)
  return text.endsWith(checksum(body))
}

/** A fast hash is enough for 256 random bits: there is nothing to guess. */
export function hashOfToken(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

/** 32 bits in base 36 are 7 characters at most; the low 31 fit 6. */
function checksum(body: string): string {
  const value = crc32(body) & 0x7fffffff
  return value.toString(36).padStart(CHECKSUM_CHARACTERS, '0')
}
