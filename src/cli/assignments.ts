import { parse } from 'yaml'
import { RingfenceError } from '../core/errors.ts'

const NAME = /^[A-Za-z][A-Za-z0-9]*$/

/**
 * A document with `session.idleSeconds=600` and the like put into it. Values are YAML: numbers, words,
 * `[lists]`. An empty one takes the field away. @throws RingfenceError `invalid_argument`
 */
export function assigned(
  document: Readonly<Record<string, unknown>>,
  assignments: readonly string[],
): Record<string, unknown> {
  let changed: Record<string, unknown> = { ...document }
  for (const assignment of assignments) {
    const at = assignment.indexOf('=')
    const names = assignment.slice(0, Math.max(at, 0)).split('.')
    if (at < 1 || !names.every((name) => NAME.test(name))) {
      throw new RingfenceError('invalid_argument', 'a setting is given as name=value')
    }
    changed = put(changed, names, valueOf(assignment.slice(at + 1)))
  }
  return changed
}

function put(
  document: Readonly<Record<string, unknown>>,
  [name = '', ...rest]: readonly string[],
  value: unknown,
): Record<string, unknown> {
  const { [name]: before, ...others } = document
  if (rest.length === 0) return value === undefined ? others : { ...others, [name]: value }
  const inner =
    typeof before === 'object' && before !== null && !Array.isArray(before) ? before : {}
  return { ...others, [name]: put({ ...inner }, rest, value) }
}

function valueOf(text: string): unknown {
  if (text === '') return undefined
  try {
    return parse(text) as unknown
  } catch {
    throw new RingfenceError('invalid_argument', 'a value is a word, a number or a [list]')
  }
}
