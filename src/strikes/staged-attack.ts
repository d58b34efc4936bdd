import type { Attack, AttackKind } from '../boundaries/boundary.ts'
import type { Tier } from '../core/tenant.ts'

/** What is the same on every tier is proven once. */
export const PROVEN_ONCE: readonly Tier[] = ['pooled']

/** What the attacker met. */
export interface Outcome {
  /**
   * True when the attack itself saw that it got through. Canaries that reached the attacker, and what
   * became of other tenants, are judged besides.
   */
  readonly crossed: boolean
  /** One line for the report. It must hold no canary and no token. */
  readonly met: string
}

/** An attack whose owner has been seen to succeed. */
export interface Staged {
  /** One line that says what was seen. */
  readonly owner: string
  attempt(): Promise<Outcome>
}

/** An attack that is made in a duel, of whatever kind. */
export interface StagedAttack<Duel> extends Attack {
  /**
   * Shows that the owner can do what is then attempted from outside. An attack whose owner fails
   * shows nothing: throw, and it is void.
   */
  stage(duel: Duel): Promise<Staged>
}

export interface AttackFacts {
  readonly id: string
  readonly title: string
  readonly kind: AttackKind
  readonly references?: readonly string[]
  /** The sentence that states the limit, for what cannot be closed. */
  readonly limit?: string
}

/** Fills in what is the same for all. */
export function staged<Duel>(
  { limit, ...facts }: AttackFacts,
  stage: (duel: Duel) => Promise<Staged>,
): StagedAttack<Duel> {
  const limits = limit === undefined ? {} : { pooled: limit }
  return { tiers: PROVEN_ONCE, references: [], limits, ...facts, stage }
}

/** Makes attacks of a kind, each with its stage. */
export function attackOf<Duel>(kind: AttackKind) {
  return (id: string, title: string, stage: (duel: Duel) => Promise<Staged>): StagedAttack<Duel> =>
    staged({ id, title, kind }, stage)
}

/** Throws, and so makes the strike void, unless the owner was seen to succeed. */
export function must(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`the owner could not: ${what}`)
}

/** What the attacker met, where no request may be carried out. */
export function noneMay(heard: readonly { readonly status: number }[]): Outcome {
  return { crossed: heard.some(({ status }) => status > 0 && status < 400), met: statusesOf(heard) }
}

/** What the attacker met, where answers are good and hold nothing of anybody else's. */
export function justMet(heard: readonly { readonly status: number }[]): Outcome {
  return { crossed: false, met: statusesOf(heard) }
}

/** `2 × 401, 1 × no answer`: what came of several requests. */
export function statusesOf(heard: readonly { readonly status: number }[]): string {
  const counts = new Map<string, number>()
  for (const { status } of heard) {
    const name = status === 0 ? 'no answer' : String(status)
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return [...counts].map(([name, count]) => `${count} × ${name}`).join(', ')
}
