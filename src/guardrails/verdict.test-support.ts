import { type GuardrailConfig, guardrailSchema } from '../contracts/guardrail.ts'
import { parseApiName } from '../core/names.ts'
import { type Direction, type Rules, rulesFor } from './rules.ts'
import type { Rewriter } from './rewriter.ts'
import { type Tally, Verdict } from './verdict.ts'

export const CLINIC = parseApiName('clinic')

/** A guardrail of the given rules, for both directions. */
export function guardrail(
  rules: readonly unknown[],
  change: Readonly<Record<string, unknown>> = {},
): GuardrailConfig {
  return guardrailSchema.parse({ name: 'test', direction: 'both', rules, ...change })
}

export function rulesOf(...rules: readonly unknown[]): Rules {
  return rulesFor([guardrail(rules)], CLINIC, 'request')
}

export const ALL_KINDS = [
  'ssn',
  'card',
  'phone',
  'email',
  'iban',
  'mrn',
  'npi',
  'birth-date',
  'name',
]
export const REDACT = rulesOf({ kind: 'pii', find: ALL_KINDS, action: 'redact' })

export function verdictOf(
  rules: Rules = REDACT,
  direction: Direction = 'request',
  tally: Tally = new Map(),
): Verdict {
  return new Verdict(rules, direction, tally)
}

/** A text through a rewriter, in pieces of the given lengths, the last of them again and again. */
export function through(rewriter: Rewriter, text: string, lengths: readonly number[] = []): string {
  let out = ''
  let at = 0
  for (let n = 0; at < text.length; n += 1) {
    const length = lengths[Math.min(n, lengths.length - 1)] ?? text.length
    out += rewriter.push(text.slice(at, at + length))
    at += length
  }
  return out + rewriter.end()
}
