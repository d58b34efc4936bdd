import type { TenantId } from '../core/tenant.ts'
import type { Judged } from './judge-strike.ts'
import { Wire } from './wire.ts'

/** Attacker and victim of one strike, and all that is made for it: what duels of every part have. */
export abstract class StagedDuel<Party extends { readonly tenant: TenantId }> implements Judged {
  readonly attacker: Party
  readonly victim: Party
  /** What reaches it is what the attacker has seen. */
  readonly wire = new Wire()
  /** Of everybody else in the strike. */
  readonly own = new Wire()
  /** Secrets that are not canaries, and must not reach the attacker either. */
  readonly secrets: string[] = []
  readonly #releases: (() => Promise<unknown>)[] = []

  constructor(attacker: Party, victim: Party) {
    this.attacker = attacker
    this.victim = victim
  }

  get attackerId(): TenantId {
    return this.attacker.tenant
  }

  get victimId(): TenantId {
    return this.victim.tenant
  }

  /** What was planted for everybody but the attacker. */
  protected abstract canariesOfOthers(): readonly string[]

  sawCanary(): boolean {
    return [...this.canariesOfOthers(), ...this.secrets].some((one) => this.wire.hasSeen(one))
  }

  abstract watch(): Promise<() => Promise<readonly string[]>>

  /** What is done after the strike, whatever came of it: what was asked for last comes first. */
  afterwards(release: () => Promise<unknown>): void {
    this.#releases.push(release)
  }

  async close(): Promise<void> {
    this.wire.cut()
    this.own.cut()
    for (const release of this.#releases.toReversed()) await release()
  }
}
