import type { Entry } from './entry.ts'

/**
 * Where a follower reads revocations. PostgreSQL is one; whatever carries them as well is another, if
 * it keeps this promise: what was committed before `read` was called is in what it has returned by then.
 */
export interface RevocationFeed {
  /** At the first call all that is kept, then what has come since the call before. */
  read(): Promise<readonly Entry[]>
  close(): Promise<void>
}

/** Opens a feed, and has `onNews` called when there may be something new, or the feed has ended. */
export type OpenRevocationFeed = (onNews: () => void) => Promise<RevocationFeed>
