/**
 * Looks at a text as it comes, and gives it back as it may pass. Nothing that is found is cut in two,
 * wherever the pieces end.
 */
export interface Rewriter {
  /** @throws RingfenceError as `Verdict` says, or Unreadable */
  push(text: string): string
  /** What is left at the end. */
  end(): string
}

/** A body that is not what it says it is, or that cannot be looked at within bounds. */
export class Unreadable extends Error {
  constructor(why: string) {
    super(why)
    this.name = 'Unreadable'
  }
}

/** Longest text that is looked at in one piece, in characters. */
export const PIECE_MAX = 65_536
