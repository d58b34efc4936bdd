import { createHash } from 'node:crypto'

/** A hash without salt or rounds is enough for what has 80 random bits and more. */
export function sha256(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}
