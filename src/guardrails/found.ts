/** Something in a text that a rule is about, from `start` up to but not including `end`. */
export interface Found {
  /** A kind of personal data, or the name of a topic. */
  readonly what: string
  readonly start: number
  readonly end: number
}

/** Longest thing that is found, in characters as they are read: what a window must hold. */
export const FOUND_MAX = 128
/** How far before it a word may stand that says what it is. */
export const CONTEXT_MAX = 48
