import type { Strike } from '../boundaries/boundary.ts'
import { messageOf } from '../core/errors.ts'
import type { FrontDoorAttack, Outcome, Staged } from './attacks/attack.ts'
import type { Duel } from './duel.ts'
import type { Party } from './house/party.ts'

type Judgement = Pick<Strike, 'verdict' | 'owner' | 'outcome'>

/**
 * Runs one attack and judges it: by the canaries that reached the attacker, by the records and leases
 * of all other tenants before and after, and by what the attack itself saw come through.
 */
export async function strike(attack: FrontDoorAttack, duel: Duel): Promise<Strike> {
  const started = performance.now()
  let judgement: Judgement
  try {
    judgement = await judge(attack, duel)
  } finally {
    await duel.close()
  }
  return {
    attack: attack.id,
    tier: 'pooled',
    attacker: duel.attacker.tenant,
    victim: duel.victim.tenant,
    ...judgement,
    milliseconds: Math.round(performance.now() - started),
  }
}

async function judge(attack: FrontDoorAttack, duel: Duel): Promise<Judgement> {
  const { parties, suspended } = duel.ground
  const others = [...parties, suspended].filter((party) => party !== duel.attacker)
  let staged: Staged
  try {
    staged = await attack.stage(duel)
  } catch (error) {
    return { verdict: 'void', owner: messageOf(error), outcome: 'not attempted' }
  }
  const { owner } = staged
  const before = others.map((party) => stateOf(duel, party))
  let outcome: Outcome
  try {
    outcome = await staged.attempt()
  } catch (error) {
    const why = `the attempt broke off: ${messageOf(error)}`
    return { verdict: 'void', owner, outcome: why }
  }
  const saw = others.some(
    ({ recordCanary, leaseCanary }) =>
      duel.wire.hasSeen(recordCanary) || duel.wire.hasSeen(leaseCanary),
  )
  const changes = others.flatMap((party, index) =>
    changesBetween(before[index] ?? NOTHING, stateOf(duel, party), duel.kept),
  )
  if (!outcome.crossed && !saw && changes.length === 0) {
    return { verdict: 'denied', owner, outcome: outcome.met }
  }
  const how = [...(saw ? ['a canary reached the attacker'] : []), ...new Set(changes), outcome.met]
  return { verdict: 'leaked', owner, outcome: how.join('; ') }
}

interface State {
  readonly record: readonly string[]
  readonly leases: ReadonlySet<string>
}

const NOTHING: State = { record: [], leases: new Set() }

function stateOf(duel: Duel, party: Party): State {
  const record = [...duel.house.upstream.record(party.tenant)]
  return { record, leases: duel.leasesOf(party) }
}

/** @param kept leases that the victim itself has taken meanwhile */
function changesBetween(before: State, after: State, kept: ReadonlySet<string>): string[] {
  const ended = [...before.leases].some((lease) => !after.leases.has(lease))
  const opened = [...after.leases].some((lease) => !before.leases.has(lease) && !kept.has(lease))
  return [
    ...(before.record.length === after.record.length ? [] : ["another tenant's record changed"]),
    ...(ended ? ["another tenant's lease ended"] : []),
    ...(opened ? ["another tenant's lease was opened"] : []),
  ]
}
