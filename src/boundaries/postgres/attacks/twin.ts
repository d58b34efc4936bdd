import { randomBytes } from 'node:crypto'
import type { Side } from '../rehearsal/side.ts'
import type { Session } from '../rehearsal/session.ts'
import { arrangeQuietly } from './arrange.ts'
import {
  attack,
  attackerEverywhere,
  type AttackFacts,
  type Duel,
  must,
  type PostgresAttack,
} from './postgres-attack.ts'

export interface TwinOptions {
  /** What the administrator puts in the victim's place first. `marker` is a text that nobody has. */
  readonly arrange?: (victim: Side, marker: string) => readonly string[]
  /** As SQL literals: a value that the victim has, and one that nobody has. */
  readonly values: (
    duel: Duel,
    marker: string,
  ) => { readonly real: string; readonly nobody: string }
  /** Statements whose outcome might tell the two apart. `self` runs them. */
  readonly probe: (value: string, self: Side, duel: Duel) => readonly string[]
  /** The owner's statements, where it would tell the two apart by others. */
  readonly shown?: (value: string, self: Side, duel: Duel) => readonly string[]
}

/**
 * An attack that asks whether the victim has a value, and nothing else: the same statements with a
 * value that the victim has and with one that nobody has. It crosses when the two end differently.
 */
export function twin(facts: AttackFacts, options: TwinOptions): PostgresAttack {
  const { arrange, values, probe, shown = probe } = options
  const markers = new WeakMap<Duel, string>()
  const pair = (duel: Duel) => values(duel, markers.get(duel) ?? '')
  return attack(facts, {
    async owner(duel) {
      const marker = `marker-${randomBytes(8).toString('hex')}`
      markers.set(duel, marker)
      if (arrange !== undefined) await arrangeQuietly(duel, arrange(duel.victim, marker))
      const { real, nobody } = pair(duel)
      const session = await duel.asVictim()
      const told = await differences(session, real, nobody, (v) => shown(v, duel.victim, duel))
      must(told > 0, 'tell its own value from one that nobody has')
      return `the owner told its own value from one that nobody has by ${told} statements`
    },
    async attempt(duel) {
      const { real, nobody } = pair(duel)
      const { sessions, there } = await attackerEverywhere(duel)
      let told = 0
      let tried = 0
      for (const session of sessions) {
        const probes = (value: string) => probe(value, duel.attacker, duel)
        told += await differences(session, real, nobody, probes)
        tried += probes(real).length
      }
      return { crossed: told > 0, met: `${told} of ${tried} statements told them apart${there}` }
    },
  })
}

/** How many statements came out differently for the two values. Nothing that they do is kept. */
async function differences(
  session: Session,
  real: string,
  nobody: string,
  probe: (value: string) => readonly string[],
): Promise<number> {
  const withReal = await observe(session, probe(real), real)
  const withNobody = await observe(session, probe(nobody), nobody)
  return withReal.filter((seen, index) => seen !== withNobody[index]).length
}

async function observe(
  session: Session,
  statements: readonly string[],
  value: string,
): Promise<readonly string[]> {
  const bare = value.replaceAll("'", '')
  const seen: string[] = []
  for (const sql of statements) {
    await session.run('begin')
    const { code, count, rows } = await session.run(sql)
    await session.run('rollback')
    seen.push(`${code ?? 'ran'} ${count} ${JSON.stringify(rows).replaceAll(bare, '?')}`)
  }
  return seen
}
