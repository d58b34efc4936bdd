import { RingfenceError } from '../../core/errors.ts'

/**
 * A pattern of literals and wildcards as a function. It takes time in the length of the text times
 * that of the pattern, whatever is in them.
 * @throws RingfenceError `invalid_argument`
 */
export function likePattern(json: unknown): (text: string) => boolean {
  if (!Array.isArray(json)) throw refused()
  // What stands between wildcards; one more piece than there are wildcards.
  const pieces = ['']
  for (const element of json as readonly unknown[]) {
    if (element === 'Wildcard') pieces.push('')
    else pieces[pieces.length - 1] += literalOf(element)
  }
  const [first = '', ...rest] = pieces
  const last = rest.pop()
  if (last === undefined) return (text) => text === first
  return (text) => {
    if (!text.startsWith(first) || !text.endsWith(last)) return false
    // Each piece as early as it can be leaves the most for those after it.
    let from = first.length
    for (const piece of rest) {
      const at = text.indexOf(piece, from)
      if (at < 0) return false
      from = at + piece.length
    }
    return from <= text.length - last.length
  }
}

function literalOf(element: unknown): string {
  if (typeof element === 'object' && element !== null && 'Literal' in element) {
    const { Literal } = element
    if (typeof Literal === 'string' && Object.keys(element).length === 1) return Literal
  }
  throw refused()
}

function refused(): RingfenceError {
  return new RingfenceError('invalid_argument', 'the policy cannot be read: a pattern of no form')
}
