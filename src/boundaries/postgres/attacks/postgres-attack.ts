import type { Scope } from '../../../core/lease.ts'
import { TIERS, type Tier } from '../../../core/tenant.ts'
import type { Attack, AttackKind } from '../../boundary.ts'
import type { Arena, Side } from '../rehearsal/arena.ts'
import type { Session } from '../rehearsal/session.ts'

/** Attacker and victim of one strike, with connections that are recorded and closed afterwards. */
export interface Duel {
  readonly arena: Arena
  readonly tier: Tier
  readonly attacker: Side
  readonly victim: Side
  /** A new recorded connection with the attacker's lease, to the attacker's own database. */
  readonly asAttacker: (scope?: Scope) => Promise<Session>
  readonly asVictim: (scope?: Scope) => Promise<Session>
  /** The administrator on the victim's database. What it sees is not the attacker's sight. */
  readonly asAdmin: () => Promise<Session>
}

/** What the attacker met. */
export interface Outcome {
  /**
   * True when the attack itself saw the channel open (an oracle answered, a disturbance worked).
   * Canaries that reached the attacker, and changes to the victim's rows, are judged besides.
   */
  readonly crossed: boolean
  /** One line for the report. It must hold no canary and no secret. */
  readonly met: string
}

export interface PostgresAttack extends Attack {
  /**
   * Shows that the owner of the data can do what is then attempted from outside. Returns one line
   * that says what was seen. An attack whose owner fails shows nothing: throw, and it is void.
   */
  owner(duel: Duel): Promise<string>
  attempt(duel: Duel): Promise<Outcome>
}

export interface AttackFacts {
  readonly id: string
  readonly title: string
  readonly kind: AttackKind
  readonly references?: readonly string[]
  /** Default: all tiers. */
  readonly tiers?: readonly Tier[]
  readonly limits?: Attack['limits']
}

/** Fills in what most attacks leave out. */
export function attack(
  facts: AttackFacts,
  steps: Pick<PostgresAttack, 'owner' | 'attempt'>,
): PostgresAttack {
  return { tiers: TIERS, references: [], limits: {}, ...facts, ...steps }
}

/** Throws, and so makes the strike void, unless the owner was seen to succeed. */
export function must(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`the owner could not: ${what}`)
}

/** An attack that only tries to see: the same statements as the owner, then as the attacker. */
export function sight(
  facts: AttackFacts,
  statements: (victim: Side, attacker: Side) => readonly string[],
): PostgresAttack {
  return attack(facts, {
    async owner({ victim, asVictim }) {
      const session = await asVictim()
      for (const sql of statements(victim, victim)) await session.run(sql)
      must(session.hasSeen(victim.canary), 'see its own canary')
      return 'the owner saw its own canary by the same statements'
    },
    async attempt({ victim, attacker, asAttacker }) {
      const session = await asAttacker()
      let met = 'no row of the victim'
      for (const sql of statements(victim, attacker)) {
        const answer = await session.run(sql)
        if (answer.error !== undefined) met = `refused: ${answer.code}`
      }
      return { crossed: session.hasSeen(victim.canary), met }
    },
  })
}
