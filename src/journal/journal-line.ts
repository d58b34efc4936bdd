import { RingfenceError } from '../core/errors.ts'

/** Longer lines are refused: what reads them takes so much at once at the most. */
export const LINE_BYTES_MAX = 64 * 1024

/**
 * What a line holds. `audit` (an audit entry) and `usage` (a usage event) are sent on; `own` is for the
 * process that writes it, and stays; `mended` says that the last line of a killed process was torn and
 * cut off, or, with no bytes, that what could not be written for a while can be again.
 */
export type LineKind = 'audit' | 'usage' | 'own' | 'mended'

export interface JournalLine {
  readonly kind: LineKind
  readonly value: object
}

/** A line as it stands in a page, with its newline. @throws RingfenceError `too_large` */
export function lineText({ kind, value }: JournalLine): string {
  const text = `{"kind":"${kind}","value":${JSON.stringify(value)}}\n`
  // A character is three bytes at the most.
  if (text.length * 3 > LINE_BYTES_MAX && Buffer.byteLength(text) > LINE_BYTES_MAX) {
    throw new RingfenceError('too_large', 'what is to be written down is too long')
  }
  return text
}

/** Tells by its first characters alone. Undefined for a line that nobody of us wrote. */
export function kindOf(text: string): LineKind | undefined {
  return /^\{"kind":"(audit|usage|own|mended)","value":/.exec(text)?.[1] as LineKind | undefined
}

/** Undefined for a line that cannot be read. */
export function readLine(text: string): JournalLine | undefined {
  const kind = kindOf(text)
  if (kind === undefined) return undefined
  try {
    const { value } = JSON.parse(text) as { value: unknown }
    return typeof value === 'object' && value !== null ? { kind, value } : undefined
  } catch {
    return undefined
  }
}
