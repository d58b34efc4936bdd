import { ZxcvbnFactory } from '@zxcvbn-ts/core'
import { adjacencyGraphs, dictionary } from '@zxcvbn-ts/language-common'
import { foldText } from '../../directory/fold-name.ts'
import type { PasswordProblem } from '../sign-in.ts'
import { type BreachCheck, CommonPasswords } from './breach-check.ts'

export const PASSWORD_MIN = 10
export const PASSWORD_MAX = 200
/** Guessing is estimated for so much: the time that it takes grows with the square. */
const ESTIMATED_MAX = 64
/** Of 4: ten to the eighth guesses and more. */
const SCORE_MIN = 3
/** What is left of a password without the words that everybody knows of its owner. */
const REST_MIN = 7
const WORD_MIN = 4

/** Dictionaries of some megabytes, which are the same for all: made when they are first asked. */
let made: { readonly estimate: ZxcvbnFactory; readonly common: BreachCheck } | undefined

function dictionaries() {
  made ??= {
    estimate: new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs, maxLength: ESTIMATED_MAX }),
    common: new CommonPasswords(),
  }
  return made
}

/** Whether a password is good enough to be set. */
export class PasswordCheck {
  readonly #breaches: readonly BreachCheck[]

  /** @param breaches besides the list that comes with the program */
  constructor(breaches: readonly BreachCheck[] = []) {
    this.#breaches = breaches
  }

  /**
   * What is wrong with it, or undefined.
   * @param words names and addresses of the user and the tenant
   */
  async problem(password: string, words: readonly string[]): Promise<PasswordProblem | undefined> {
    const normal = password.normalize('NFKC')
    // In characters as people count them, roughly, and bounded for the machine first.
    if (password.length > 4 * PASSWORD_MAX || Array.from(normal).length > PASSWORD_MAX) {
      return 'too_long'
    }
    if (/[\p{Cc}\p{Cs}]/u.test(password)) return 'has_control_characters'
    if (Array.from(normal).length < PASSWORD_MIN) return 'too_short'
    const known = knownWords(words)
    if (restOf(normal, known).length < REST_MIN) return 'too_easy'
    const { estimate, common } = dictionaries()
    if (estimate.check(normal.slice(0, ESTIMATED_MAX), known).score < SCORE_MIN) {
      return 'too_easy'
    }
    for (const breaches of [common, ...this.#breaches]) {
      if ((await breaches.check(normal)) === 'leaked') return 'breached'
    }
    return undefined
  }
}

/** Each word whole, and its parts. */
function knownWords(words: readonly string[]): string[] {
  const parts = words.flatMap((word) => {
    const folded = foldText(word)
    return [folded, ...folded.split(/[^\p{L}\p{N}]+/u)]
  })
  return [...new Set(parts)].filter(({ length }) => length >= WORD_MIN)
}

function restOf(password: string, known: readonly string[]): string {
  let rest = foldText(password)
  // The longest first: a shorter one within it would leave its ends.
  for (const word of known.toSorted((a, b) => b.length - a.length)) {
    rest = rest.replaceAll(word, '')
  }
  return rest
}
