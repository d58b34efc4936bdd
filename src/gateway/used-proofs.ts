import { createHash } from 'node:crypto'
import type { TenantId } from '../core/tenant.ts'

/** Of a SHA-256: 132 bits are more than anybody finds a second proof for. */
const KEY_CHARACTERS = 22

export type Use = 'first' | 'again' | 'too-many'

/** Knows which proofs were used. */
export interface ProofBook {
  /** Whether it is used for the first time, and from now on it is used. @param thumbprint of its key */
  take(tenant: TenantId, thumbprint: string, id: string): Use | Promise<Use>
}

/**
 * Remembers which proofs were used, for as long as they would be accepted. It is bounded, in all and
 * for each tenant, and what does not fit is not accepted: a proof that is forgotten could come again.
 */
export class UsedProofs implements ProofBook {
  readonly #lifeMs: number
  readonly #max: number
  readonly #maxPerTenant: number
  readonly #now: () => number
  /** By tenant, in the order in which they end. */
  readonly #used = new Map<TenantId, Map<string, number>>()
  #total = 0

  /** @param lifeMs longer than any proof that comes now is accepted */
  constructor(lifeMs: number, max: number, maxPerTenant: number, now: () => number = Date.now) {
    this.#lifeMs = lifeMs
    this.#max = max
    this.#maxPerTenant = maxPerTenant
    this.#now = now
  }

  take(tenant: TenantId, thumbprint: string, id: string): Use {
    const now = this.#now()
    const used = this.#used.get(tenant) ?? new Map<string, number>()
    this.#forgetOf(tenant, used, now)
    const key = createHash('sha256')
      .update(`${thumbprint} ${id}`)
      .digest('base64url')
      .slice(0, KEY_CHARACTERS)
    if (used.has(key)) return 'again'
    if (used.size >= this.#maxPerTenant) return 'too-many'
    if (this.#total >= this.#max) {
      for (const [other, of] of this.#used) this.#forgetOf(other, of, now)
      if (this.#total >= this.#max) return 'too-many'
    }
    used.set(key, now + this.#lifeMs)
    this.#used.set(tenant, used)
    this.#total += 1
    return 'first'
  }

  #forgetOf(tenant: TenantId, used: Map<string, number>, now: number): void {
    for (const [key, until] of used) {
      if (until > now) break
      used.delete(key)
      this.#total -= 1
    }
    if (used.size === 0) this.#used.delete(tenant)
  }
}
