import { createHash, randomBytes } from 'node:crypto'

const BYTES = 32
const VALUE = /^[\w-]{43}$/

/** 256 random bits in base64url. */
export function newSecretValue(): string {
  return randomBytes(BYTES).toString('base64url')
}

/** Whether it has the form of one; anything else need not be looked up. */
export function isSecretValue(value: unknown): value is string {
  return typeof value === 'string' && VALUE.test(value)
}

/** What of it is stored: without rounds, since it cannot be guessed. */
export function hashOf(value: string): Buffer {
  return createHash('sha256').update(value).digest()
}
