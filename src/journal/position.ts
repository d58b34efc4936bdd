import { z } from 'zod'

/** A place between two lines of a journal. */
export const positionSchema = z.strictObject({
  /** The number of the page, from 1. */
  page: z.int().min(1),
  /** From the page's beginning. */
  bytes: z.int().min(0),
})
export type Position = z.output<typeof positionSchema>

export const BEGINNING: Position = { page: 1, bytes: 0 }

/** Negative when `a` comes before `b`. */
export function comparePositions(a: Position, b: Position): number {
  return a.page - b.page || a.bytes - b.bytes
}
