import { messageOf } from '../../../core/errors.ts'
import type { TenantId } from '../../../core/tenant.ts'
import type { Strike, Verdict } from '../../boundary.ts'
import type { Duel, Outcome, PostgresAttack } from '../attacks/postgres-attack.ts'
import { ident } from '../connection.ts'
import type { Arena, Side } from './arena.ts'
import type { Session } from './session.ts'

/**
 * Runs one attack and judges it: by the canaries that reached the attacker's connections, by the
 * victim's rows before and after, and by what the attack itself saw of a channel.
 */
export async function strike(
  arena: Arena,
  attack: PostgresAttack,
  attackerId: TenantId,
  victimId: TenantId,
): Promise<Strike> {
  const started = performance.now()
  const attacker = arena.side(attackerId)
  const victim = arena.side(victimId)
  const asAttackerSessions: Session[] = []
  const duel: Duel = {
    arena,
    tier: arena.tier,
    attacker,
    victim,
    async asAttacker(scope) {
      const session = await arena.open(attacker, scope)
      asAttackerSessions.push(session)
      return session
    },
    asVictim: (scope) => arena.open(victim, scope),
    asAdmin: () => arena.admin(victim),
  }
  const result = (verdict: Verdict, owner: string, outcome: string): Strike => ({
    attack: attack.id,
    tier: arena.tier,
    attacker: attackerId,
    victim: victimId,
    verdict,
    owner,
    outcome,
    milliseconds: Math.round(performance.now() - started),
  })
  try {
    let owner: string
    try {
      owner = await attack.owner(duel)
    } catch (error) {
      return result('void', messageOf(error), 'not attempted')
    }
    const before = await fingerprint(arena, victim)
    let outcome: Outcome
    try {
      outcome = await attack.attempt(duel)
    } catch (error) {
      return result('void', owner, `the attempt broke off: ${messageOf(error)}`)
    }
    const sawCanary = asAttackerSessions.some((session) =>
      arena.sides.some((side) => side !== attacker && session.hasSeen(side.canary)),
    )
    const changed = (await fingerprint(arena, victim)) !== before
    if (!outcome.crossed && !sawCanary && !changed) return result('denied', owner, outcome.met)
    const how = [
      ...(sawCanary ? ['a canary reached the attacker'] : []),
      ...(changed ? ["the victim's rows changed"] : []),
      ...(outcome.crossed ? [outcome.met] : []),
    ].join('; ')
    const limited = attack.limits[arena.tier] !== undefined && !sawCanary && !changed
    return result(limited ? 'limit' : 'leaked', owner, how)
  } finally {
    await arena.closeSessions()
  }
}

/** A digest of all the victim's rows, as the administrator sees them. */
async function fingerprint(arena: Arena, side: Side): Promise<string> {
  const admin = await arena.admin(side)
  const tables = new Map(side.planted.map(({ table }) => [table.qualified, table]))
  const parts = [...tables.values()].map(
    (table) =>
      `select md5(coalesce(string_agg(t::text, ';' order by t::text), '')) as digest
         from ${table.qualified} t where ${ident(table.tenantColumn)} = '${side.key}'`,
  )
  const answer = await admin.run(parts.join(' union all '))
  await admin.close()
  return answer.error ?? answer.rows.map((row) => String(row['digest'])).join()
}
