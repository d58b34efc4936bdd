import { RingfenceError } from '../../../core/errors.ts'

const PATTERN_CHARACTERS_MAX = 200
/** Longer values are not matched at all. */
export const INPUT_CHARACTERS_MAX = 256
/** With two quantifiers without a fixed count, and four `?`, the longest input takes a million steps. */
const VARIABLE_MAX = 2
const OPTIONAL_MAX = 4
const REPEATED_MAX = 64

/**
 * A regular expression that cannot be made to run for long: literals, classes, `.`, quantifiers on one
 * character at a time, and exactly one group, which is what is kept. No alternation, no nesting, no
 * look-around, no back-references. It always matches the whole value.
 */
export interface SafePattern {
  /** What the group matched, or undefined when the value does not match. */
  capture(value: string): string | undefined
}

/** One character, however it is spelled: `a`, `.`, `\.`, `\d`, `[^@]`. */
const ATOM =
  /^(?:\\[dwsDWS.\\+*?()[\]{}^$|/]|\[\^?(?:\\[dws\\\-\]^]|[^\\[\]])+\]|\.|[^\\[\](){}.*+?^$|])/u
const QUANTIFIER = /^(?:[*+?]|\{(\d{1,3})(?:,(\d{1,3}))?\})/

/** @throws RingfenceError `invalid_argument` for anything else */
export function parseSafePattern(text: string): SafePattern {
  if (text.length > PATTERN_CHARACTERS_MAX) throw refused('is too long')
  let rest = text.replace(/^\^/, '').replace(/(?<!\\)\$$/, '')
  const whole = rest
  let groups = 0
  let inGroup = false
  let variable = 0
  let optional = 0
  while (rest !== '') {
    if (rest.startsWith('(') || rest.startsWith(')')) {
      if (rest.startsWith('(') === inGroup) throw refused('has groups that do not match up')
      if (rest.startsWith('(')) groups++
      inGroup = !inGroup
      rest = rest.slice(1)
      if (!inGroup && QUANTIFIER.test(rest)) throw refused('repeats a group')
      continue
    }
    const [atom] = ATOM.exec(rest) ?? []
    if (atom === undefined)
      throw refused('has something else than characters, classes and one group')
    rest = rest.slice(atom.length)
    const quantifier = QUANTIFIER.exec(rest)
    if (quantifier === null) continue
    if (quantifier[0] === '?') optional++
    else if (isVariable(quantifier)) variable++
    rest = rest.slice(quantifier[0].length)
  }
  if (groups !== 1 || inGroup) throw refused('has not exactly one group')
  if (variable > VARIABLE_MAX || optional > OPTIONAL_MAX) {
    throw refused(
      `has more than ${VARIABLE_MAX} open quantifiers, or ${OPTIONAL_MAX} optional parts`,
    )
  }
  const pattern = compile(whole)
  return {
    capture: (value) =>
      value.length > INPUT_CHARACTERS_MAX ? undefined : pattern.exec(value)?.[1],
  }
}

function isVariable([text, from, to]: RegExpExecArray): boolean {
  if (from === undefined) return text === '*' || text === '+'
  if (Number(from) > REPEATED_MAX || Number(to ?? 0) > REPEATED_MAX) {
    throw refused(`repeats more than ${REPEATED_MAX} times`)
  }
  return to !== undefined && to !== from
}

function compile(text: string): RegExp {
  try {
    return new RegExp(`^${text}$`, 'u')
  } catch {
    throw refused('is not a regular expression')
  }
}

function refused(why: string): RingfenceError {
  return new RingfenceError('invalid_argument', `the pattern ${why}`)
}
