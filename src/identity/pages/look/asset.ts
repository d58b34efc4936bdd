import { createHash } from 'node:crypto'

/** A file that pages fetch. Its path holds the hash of what it is, so that it may be kept for ever. */
export interface Asset {
  readonly path: string
  readonly type: string
  readonly body: Buffer
}

export const ASSETS = '/assets/'
const HASH_CHARACTERS = 20

export function asset(issuerPath: string, name: string, type: string, body: Buffer): Asset {
  const hash = createHash('sha256').update(type).update('\n').update(body).digest('base64url')
  return { path: `${issuerPath}${ASSETS}${name}-${hash.slice(0, HASH_CHARACTERS)}`, type, body }
}
