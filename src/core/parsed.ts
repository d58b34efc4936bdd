import { z } from 'zod'
import { messageOf } from './errors.ts'

/** Runs one of the edge's own parsers inside a schema, and keeps its message. */
export function parsed<T>(parser: (value: unknown) => T) {
  return z.unknown().transform((value, context): T => {
    try {
      return parser(value)
    } catch (error) {
      context.addIssue({ code: 'custom', message: messageOf(error) })
      return z.NEVER
    }
  })
}
