import { parse, YAMLParseError } from 'yaml'
import type { z } from 'zod'
import { messageOf, RingfenceError } from './errors.ts'

/** Aliases let a small file stand for a huge one; manifests have no use for many. */
const ALIASES_MAX = 20

/**
 * Reads a YAML (or JSON) document of a known form.
 * @throws RingfenceError `invalid_manifest`: where it came from, the field, and what is wrong with
 *   it. Values of the document are not repeated: they may be secrets.
 */
export function parseDocument<S extends z.ZodType>(
  text: string,
  source: string,
  schema: S,
): z.output<S> {
  let value: unknown
  try {
    value = parse(text, { maxAliasCount: ALIASES_MAX, prettyErrors: false, logLevel: 'error' })
  } catch (error) {
    // The library would have the reader call another of its functions.
    const isSeveral = error instanceof YAMLParseError && error.code === 'MULTIPLE_DOCS'
    const why = isSeveral
      ? 'several documents, and one is read here'
      : `not YAML: ${messageOf(error)}`
    throw new RingfenceError('invalid_manifest', `${source}: ${why}`)
  }
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const where = issue?.path.join('.') || 'the document'
  throw new RingfenceError(
    'invalid_manifest',
    `${source}: ${where}: ${issue?.message ?? 'invalid'}`,
  )
}
