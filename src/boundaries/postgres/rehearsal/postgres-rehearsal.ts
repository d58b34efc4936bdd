import type { Finding } from '../../../core/finding.ts'
import type { TenantId, Tier } from '../../../core/tenant.ts'
import type { Attack, Mutant, Rehearsal, Strike } from '../../boundary.ts'
import { ATTACKS } from '../attacks/attacks.ts'
import type { PostgresAttack } from '../attacks/postgres-attack.ts'
import { MUTANTS } from '../mutants/mutants.ts'
import type { Arena } from './arena.ts'
import { Copies } from './copies.ts'
import { inspectArena } from './inspect-arena.ts'
import { strike } from './strike.ts'

/** A rehearsal on PostgreSQL, and (after `weaken`) its weakened copies. */
export class PostgresRehearsal implements Rehearsal {
  readonly tier: Tier
  readonly tenants: readonly TenantId[]
  readonly #arena: Arena
  readonly #copies: Copies
  readonly #clear: () => Promise<void>

  constructor(arena: Arena, clear: () => Promise<void>) {
    this.#arena = arena
    this.#copies = new Copies(arena)
    this.#clear = clear
    this.tier = arena.tier
    this.tenants = arena.sides.map((side) => side.tenant)
  }

  /** None when a table of the application could not be given a row: what is empty proves nothing. */
  async canariesSeen(): Promise<readonly TenantId[]> {
    return this.#arena.refused.size > 0 ? [] : this.#arena.canariesSeen()
  }

  async strike(attack: Attack, attacker: TenantId, victim: TenantId): Promise<Strike> {
    const found = ATTACKS.find((one) => one.id === attack.id)
    if (found === undefined) throw new Error(`no attack ${attack.id}`)
    return strike(this.#arena, found satisfies PostgresAttack, attacker, victim)
  }

  async inspect(): Promise<readonly Finding[]> {
    return inspectArena(this.#arena)
  }

  async weaken(mutant: Mutant): Promise<Rehearsal> {
    const found = MUTANTS.find((one) => one.id === mutant.id)
    if (found === undefined) throw new Error(`no mutant ${mutant.id}`)
    const { arena, drop } = await this.#copies.take()
    try {
      const undo = await found.apply(arena)
      return new PostgresRehearsal(arena, async () => {
        try {
          await undo()
        } finally {
          drop()
        }
      })
    } catch (error) {
      drop()
      throw error
    }
  }

  async close(): Promise<void> {
    await this.#arena.rest()
    await this.#copies.close()
    await this.#clear()
  }
}
