import type { Scope } from '../../../core/lease.ts'
import { TIERS, type Tier } from '../../../core/tenant.ts'
import type { Attack, AttackKind } from '../../boundary.ts'
import type { Settings } from '../connection.ts'
import type { Arena } from '../rehearsal/arena.ts'
import type { Side } from '../rehearsal/side.ts'
import type { Session, Startup } from '../rehearsal/session.ts'

/** What came of a try to connect. */
export interface Door {
  /** Undefined when the server refused. */
  readonly session: Session | undefined
  /** SQLSTATE of the refusal. */
  readonly code: string | undefined
}

/**
 * Attacker and victim of one strike, with connections that are closed afterwards. What reaches a
 * connection that one of the `asAttacker` methods opened is what the attacker has seen.
 */
export interface Duel {
  readonly arena: Arena
  readonly tier: Tier
  readonly attacker: Side
  readonly victim: Side
  /** `server_version_num` of the victim's server. */
  readonly version: number
  /** A new connection with the attacker's lease, to the attacker's own database. */
  readonly asAttacker: (scope?: Scope) => Promise<Session>
  /** The attacker tries to connect with anything that it may have got hold of. */
  readonly asAttackerWith: (settings: Settings, startup?: Startup) => Promise<Door>
  /**
   * The attacker's lease at the victim's own database and server. Undefined where the two share
   * them: the attacker is there already.
   */
  readonly asAttackerThere: () => Promise<Door | undefined>
  /** A connection of the victim's: with nothing left on it, but not always a new one. */
  readonly asVictim: (scope?: Scope) => Promise<Session>
  /** A new connection of the victim's, for what could keep it from connecting. */
  readonly asVictimAnew: () => Promise<Session>
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
  /** Takes away what the other two left outside the planted tables, whose rows are put back anyway. */
  undo?(duel: Duel): Promise<void>
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
  steps: Pick<PostgresAttack, 'owner' | 'attempt' | 'undo'>,
): PostgresAttack {
  return { tiers: TIERS, references: [], limits: {}, ...facts, ...steps }
}

/** Throws, and so makes the strike void, unless the owner was seen to succeed. */
export function must(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`the owner could not: ${what}`)
}

/** Runs statements one by one, as far as each gets, and says in a few words what came of them. */
export async function runAll(session: Session, statements: readonly string[]): Promise<string> {
  const refusals = new Map<string, number>()
  for (const sql of statements) {
    const { code } = await session.run(sql)
    if (code !== undefined && sql.includes('begin;')) await session.run('rollback')
    if (code !== undefined) refusals.set(code, (refusals.get(code) ?? 0) + 1)
  }
  const refused = [...refusals].map(([code, times]) => `${times} refused with ${code}`)
  const ran = statements.length - [...refusals.values()].reduce((sum, times) => sum + times, 0)
  return [...(ran > 0 ? [`${ran} ran`] : []), ...refused].join(', ')
}

/** The attacker's connections: at its own place, and at the victim's if that door opens. */
export async function attackerEverywhere(
  duel: Duel,
): Promise<{ readonly sessions: readonly Session[]; readonly there: string }> {
  const own = await duel.asAttacker()
  const door = await duel.asAttackerThere()
  if (door === undefined) return { sessions: [own], there: '' }
  return door.session === undefined
    ? { sessions: [own], there: `; the victim's own place refused the login with ${door.code}` }
    : { sessions: [own, door.session], there: "; the victim's own place let the login in" }
}
