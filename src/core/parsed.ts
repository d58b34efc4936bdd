import { z } from 'zod'
import { messageOf } from './errors.ts'

type Parser<T> = (value: unknown) => T

const PARSERS = new WeakMap<object, Parser<unknown>>()

/** Runs one of the edge's own parsers inside a schema, and keeps its message. */
export function parsed<T>(parser: Parser<T>) {
  const schema = z.unknown().transform((value, context): T => {
    try {
      return parser(value)
    } catch (error) {
      context.addIssue({ code: 'custom', message: messageOf(error) })
      return z.NEVER
    }
  })
  PARSERS.set(schema, parser)
  return schema
}

/** The parser that a schema of `parsed` runs, for whoever describes the schema to others. */
export function parserOf(schema: object): Parser<unknown> | undefined {
  return PARSERS.get(schema)
}
