/** What is in a text at all, so that most detectors need not look at most texts. */
export interface Traits {
  /** At least so many: in a long text with digits, infinitely many. */
  readonly digits: number
  readonly hasAt: boolean
  readonly hasCapital: boolean
  /** It is not only printable ASCII with single spaces. */
  readonly needsFolding: boolean
  /** `\u`, `%` or `&#` stand in it. */
  readonly hasEscapes: boolean
}

/** From so many characters on it is quicker to ask the engine several times. */
const LONG = 64
const NEEDS_FOLDING = /[^ -~]| {2}/
const ESCAPES = /[%\\]|&#/

export function traitsOf(text: string): Traits {
  return text.length < LONG ? traitsOfShort(text) : traitsOfLong(text)
}

function traitsOfLong(text: string): Traits {
  return {
    digits: /\d/.test(text) ? Number.POSITIVE_INFINITY : 0,
    hasAt: text.includes('@'),
    hasCapital: /[A-Z]/.test(text),
    needsFolding: NEEDS_FOLDING.test(text),
    hasEscapes: ESCAPES.test(text),
  }
}

function traitsOfShort(text: string): Traits {
  let digits = 0
  let hasAt = false
  let hasCapital = false
  let needsFolding = false
  let hasEscapes = false
  let before = 0
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (code >= 97 && code <= 122) {
      // Most characters are small letters.
    } else if (code >= 48 && code <= 57) digits += 1
    else if (code >= 65 && code <= 90) hasCapital = true
    else if (code === 32) {
      if (before === 32) needsFolding = true
    } else if (code === 64) hasAt = true
    else if (code < 32 || code >= 127) needsFolding = true
    else if (code === 37 || code === 92 || (code === 35 && before === 38)) hasEscapes = true
    before = code
  }
  return { digits, hasAt, hasCapital, needsFolding, hasEscapes }
}
