import type { PiiKind } from '../../contracts/guardrail.ts'
import { CONTEXT_MAX } from '../found.ts'
import type { Label } from '../labels.ts'
import type { Traits } from '../traits.ts'

/** A text as it is looked at: read as people read it, in a field that may say what is in it. */
export interface Subject {
  readonly text: string
  readonly traits: Traits
  readonly label: Label
}

export interface Span {
  readonly start: number
  readonly end: number
}

/** Finds one kind of personal data, in time in proportion to the text. */
export interface Detector {
  readonly kind: PiiKind
  /** Whether the text may have one at all. */
  mayHave(traits: Traits, label: Label): boolean
  find(subject: Subject): readonly Span[]
}

/** Whether a word stands shortly before `start`. */
export function isAfter(text: string, start: number, word: RegExp): boolean {
  return word.test(text.slice(Math.max(0, start - CONTEXT_MAX), start))
}

/** All places where a pattern (`g`) matches. `matchAll` would make the pattern anew for each text. */
export function matchesOf(pattern: RegExp, text: string): readonly RegExpExecArray[] {
  pattern.lastIndex = 0
  const first = pattern.exec(text)
  if (first === null) return NONE
  const found = [first]
  for (let next = pattern.exec(text); next !== null; next = pattern.exec(text)) found.push(next)
  return found
}
const NONE: readonly RegExpExecArray[] = []

/** Luhn's check over digits, the last of them the check digit. */
export function passesLuhn(digits: string): boolean {
  let sum = 0
  for (let index = digits.length - 1, isDoubled = false; index >= 0; index -= 1) {
    const digit = digits.charCodeAt(index) - 48
    sum += isDoubled ? (digit > 4 ? digit * 2 - 9 : digit * 2) : digit
    isDoubled = !isDoubled
  }
  return sum % 10 === 0
}
