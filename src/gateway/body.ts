import type { Transform } from 'node:stream'

/** What the head of a message says about its body. */
export interface BodyHead {
  /** `application/json`, in lower case and without parameters; empty when it is not said. */
  readonly mediaType: string
  /** `charset` of the media type in lower case, if it is said. */
  readonly charset: string | undefined
  /** Content codings, as they stand there; empty for none. */
  readonly coding: string
  /** Bytes, if they were said. */
  readonly length: number | undefined
}

/**
 * Looks at a body, and may change it, as it passes. Undefined when it has nothing to do with it.
 * A Denial that it throws, or that its stream ends with, refuses the message: of an answer whose
 * first bytes are sent already, by cutting it off.
 */
export type BodyStage = (head: BodyHead) => Transform | undefined
