import type { Strike } from '../boundaries/boundary.ts'
import { messageOf } from '../core/errors.ts'
import type { TenantId } from '../core/tenant.ts'
import type { Outcome, Staged, StagedAttack } from './staged-attack.ts'

/** Two tenants in a strike, and how to look at what all others have. */
export interface Judged {
  readonly attackerId: TenantId
  readonly victimId: TenantId
  /** True when something that is another tenant's reached the attacker. */
  sawCanary(): boolean
  /** Looks at what all others have, and returns how to tell what changed since, in sentences. */
  watch(): Promise<() => Promise<readonly string[]>>
  close(): Promise<void>
}

type Judgement = Pick<Strike, 'verdict' | 'owner' | 'outcome'>

/**
 * Runs one attack and judges it: by the canaries that reached the attacker, by what all other tenants
 * have before and after, and by what the attack itself saw come through.
 */
export async function judgeStrike<Duel extends Judged>(
  attack: StagedAttack<Duel>,
  duel: Duel,
): Promise<Strike> {
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
    attacker: duel.attackerId,
    victim: duel.victimId,
    ...judgement,
    milliseconds: Math.round(performance.now() - started),
  }
}

async function judge<Duel extends Judged>(
  attack: StagedAttack<Duel>,
  duel: Duel,
): Promise<Judgement> {
  let staged: Staged
  try {
    staged = await attack.stage(duel)
  } catch (error) {
    return { verdict: 'void', owner: messageOf(error), outcome: 'not attempted' }
  }
  const { owner } = staged
  const changesSince = await duel.watch()
  let outcome: Outcome
  try {
    outcome = await staged.attempt()
  } catch (error) {
    const why = `the attempt broke off: ${messageOf(error)}`
    return { verdict: 'void', owner, outcome: why }
  }
  const saw = duel.sawCanary()
  const changes = new Set(await changesSince())
  if (!outcome.crossed && !saw && changes.size === 0) {
    return { verdict: 'denied', owner, outcome: outcome.met }
  }
  const how = [...(saw ? ['a canary reached the attacker'] : []), ...changes, outcome.met]
  const verdict = attack.limits.pooled === undefined ? 'leaked' : 'limit'
  return { verdict, owner, outcome: how.join('; ') }
}
