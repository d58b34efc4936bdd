import { RingfenceError } from '../core/errors.ts'
import type { PlanName } from '../core/names.ts'
import type { Actor, PlanView } from './control-plane.ts'
import type { Tx } from '../database/pooled-database.ts'
import type { Database } from './database.ts'
import type { FourEyes, Pass } from './operators/four-eyes.ts'
import type { GuardedAct } from './operators/guarded-acts.ts'
import { plansOf } from './plan-row.ts'

/** Enters plans in the registry, whoever describes them. */
export class PlanWriter {
  readonly #database: Database
  readonly #fourEyes: FourEyes

  constructor(database: Database, fourEyes: FourEyes) {
    this.#database = database
    this.#fourEyes = fourEyes
  }

  /**
   * What lets a plan be loosened; undefined for one that is not. To be asked before the transaction.
   * @throws ApprovalRequired for one that asked for a second person, and would not any more
   */
  async passFor(plan: Pick<PlanView, 'name' | 'approval'>, by: Actor): Promise<Pass | undefined> {
    if (plan.approval) return undefined
    const there = await plansOf(this.#database)
    if (!there.some(({ name, approval }) => name === plan.name && approval)) return undefined
    return this.#fourEyes.pass(by, loosen(plan.name))
  }

  async write(tx: Tx, plan: PlanView, pass: Pass | undefined): Promise<void> {
    const { name, tiers, requestsPerMinute, leasesPerMinute, leaseSecondsMax, approval } = plan
    if (pass === undefined && !approval) await expectNotLoosened(tx, name)
    await pass?.use(tx)
    await tx.query(
      `insert into registry.plan (name, tiers, requests_per_minute, leases_per_minute,
                                  lease_seconds_max, approval)
       values ($1, $2, $3, $4, $5, $6)
       on conflict (name) do update set tiers = excluded.tiers,
         requests_per_minute = excluded.requests_per_minute,
         leases_per_minute = excluded.leases_per_minute,
         lease_seconds_max = excluded.lease_seconds_max, approval = excluded.approval`,
      [name, tiers, requestsPerMinute, leasesPerMinute, leaseSecondsMax, approval],
    )
  }

  /** @throws RingfenceError `conflict` for one that tenants are, or were, on: their record names it */
  async remove(tx: Tx, name: PlanName): Promise<void> {
    const used = await tx.query('select from registry.tenant where plan = $1 limit 1', [name])
    if (used.length > 0) {
      throw new RingfenceError('conflict', `tenants are or were on the plan ${name}: it stays`)
    }
    await tx.query('delete from registry.plan where name = $1', [name])
  }
}

function loosen(name: PlanName): GuardedAct {
  const summary = `let tenants be onboarded on the plan ${name} without a second person`
  return { kind: 'approval-settings', subject: `plan ${name}`, summary, detail: {} }
}

/** Somebody may have had it ask since we looked. */
async function expectNotLoosened(tx: Tx, name: PlanName): Promise<void> {
  const asking = await tx.query(
    'select from registry.plan where name = $1 and approval for update',
    [name],
  )
  if (asking.length > 0) throw new RingfenceError('conflict', 'the plan was changed meanwhile')
}
