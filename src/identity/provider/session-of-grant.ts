import { createHash } from 'node:crypto'

/**
 * The session (`sid`) of which tokens of a grant say that they come. One for each grant, so that what
 * revokes it voids all that came of that grant and nothing else, and made from it, so that nobody has
 * to look it up. What is at a grant's end knows its id; what has the `sid` does not.
 */
export function sessionOfGrant(grant: string): string {
  return createHash('sha256').update(`ringfence grant\n${grant}`).digest('base64url').slice(0, 32)
}

const API_KEY = 'api-key.'

/** The session of tokens that an API key was exchanged for: it ends when the key is taken back. */
export function sessionOfApiKey(id: string): string {
  return `${API_KEY}${id}`
}

/** The other way round; undefined for another session. A hash of a grant has no dot. */
export function apiKeyOfSession(session: string): string | undefined {
  return session.startsWith(API_KEY) ? session.slice(API_KEY.length) : undefined
}
