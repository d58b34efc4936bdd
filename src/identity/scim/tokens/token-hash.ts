import { createHash } from 'node:crypto'

/** Enough without salt or rounds: a token is 256 random bits, not a password. */
export function tokenHash(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
