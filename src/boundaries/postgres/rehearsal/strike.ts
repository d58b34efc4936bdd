import { messageOf } from '../../../core/errors.ts'
import type { TenantId } from '../../../core/tenant.ts'
import type { Strike, Verdict } from '../../boundary.ts'
import type { Door, Duel, Outcome, PostgresAttack } from '../attacks/postgres-attack.ts'
import { sqlState, type Settings } from '../connection.ts'
import type { Arena } from './arena.ts'
import type { Side } from './side.ts'
import type { Session, Startup } from './session.ts'
import type { TenantRows } from './tenant-rows.ts'

type Judgement = Pick<Strike, 'verdict' | 'owner' | 'outcome'>

/**
 * Runs one attack and judges it: by the canaries that reached the attacker's connections, by all
 * other tenants' rows before and after, and by what the attack itself saw of a channel. Afterwards the
 * rows of both are what they were, so that attacks can be run in any order.
 */
export async function strike(
  arena: Arena,
  attack: PostgresAttack,
  attackerId: TenantId,
  victimId: TenantId,
): Promise<Strike> {
  const started = performance.now()
  const attackers: Session[] = []
  const attacker = arena.side(attackerId)
  // Opening takes most of a strike's time, so it begins while the owner is still at work.
  const opening = arena.open(attacker)
  opening.catch(() => {})
  const duel = duelOf(arena, attacker, arena.side(victimId), opening, attackers)
  let judgement = voided('not seen', 'not attempted')
  try {
    const rows = await arena.rows()
    try {
      judgement = await judge(arena, attack, duel, attackers, rows)
      await attack.undo?.(duel)
    } finally {
      await opening.catch(() => {})
      await arena.endStrike()
      await rows.restore([duel.victim, duel.attacker])
    }
  } catch (error) {
    // What leaked has leaked, whatever else went wrong.
    if (judgement.verdict !== 'leaked') {
      judgement = voided(judgement.owner, `the proving ground failed: ${messageOf(error)}`)
    }
  }
  return {
    attack: attack.id,
    tier: arena.tier,
    attacker: attackerId,
    victim: victimId,
    ...judgement,
    milliseconds: Math.round(performance.now() - started),
  }
}

function duelOf(
  arena: Arena,
  attacker: Side,
  victim: Side,
  opening: Promise<Session>,
  attackers: Session[],
): Duel {
  const record = (session: Session) => {
    attackers.push(session)
    return session
  }
  let unused: Promise<Session> | undefined = opening
  const asAttackerWith = async (settings: Settings, startup?: Startup): Promise<Door> => {
    try {
      return { session: record(await arena.openWith(settings, startup)), code: undefined }
    } catch (error) {
      return { session: undefined, code: sqlState(error) ?? 'no connection' }
    }
  }
  return {
    arena,
    tier: arena.tier,
    attacker,
    victim,
    version: victim.site.cluster.serverVersion,
    asAttackerWith,
    async asAttacker(scope = 'write') {
      const ready = scope === 'write' ? unused : undefined
      if (ready !== undefined) unused = undefined
      return record(await (ready ?? arena.open(attacker, scope)))
    },
    async asAttackerThere() {
      if (attacker.site === victim.site && attacker.database === victim.database) return undefined
      const { host, port } = victim.site.cluster.admin
      const login = await arena.login(attacker)
      return asAttackerWith({ ...login, host, port, database: victim.database })
    },
    asVictim: (scope) => arena.lend(victim, scope),
    asVictimAnew: () => arena.open(victim),
    asAdmin: () => arena.admin(victim),
  }
}

async function judge(
  arena: Arena,
  attack: PostgresAttack,
  duel: Duel,
  attackers: readonly Session[],
  rows: TenantRows,
): Promise<Judgement> {
  const others = arena.sides.filter((side) => side !== duel.attacker)
  let owner: string
  try {
    owner = await attack.owner(duel)
  } catch (error) {
    return voided(messageOf(error), 'not attempted')
  }
  const before = await rows.digests([duel.victim])
  let outcome: Outcome
  try {
    outcome = await attack.attempt(duel)
  } catch (error) {
    return voided(owner, `the attempt broke off: ${messageOf(error)}`)
  }
  // What was not committed is gone now, and no lock stands between the administrator and the rows.
  await arena.rollBack()
  const sawCanary = attackers.some((session) => others.some((side) => session.hasSeen(side.canary)))
  const after = await rows.digests([duel.victim])
  const changed = others.some(({ key }) => before.get(key) !== after.get(key))
  if (!outcome.crossed && !sawCanary && !changed) {
    return { verdict: 'denied', owner, outcome: outcome.met }
  }
  const how = [
    ...(sawCanary ? ['a canary reached the attacker'] : []),
    ...(changed ? ["another tenant's rows changed"] : []),
    outcome.met,
  ].join('; ')
  const limited = attack.limits[arena.tier] !== undefined && !sawCanary && !changed
  const verdict: Verdict = limited ? 'limit' : 'leaked'
  return { verdict, owner, outcome: how }
}

function voided(owner: string, outcome: string): Judgement {
  return { verdict: 'void', owner, outcome }
}
