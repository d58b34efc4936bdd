import type { TenantId } from '../core/tenant.ts'
import type { TokenKey } from './token-key.ts'

const SECONDS_MAX = 30

interface Entry {
  readonly tenant: TenantId
  readonly untilMs: number
}

/**
 * Remembers for a short time which tokens were valid for which tenant, so that not every request
 * pays for a signature. Tokens themselves are not kept. What a change of a tenant's configuration
 * might make invalid is forgotten.
 */
export class VerifiedTokens {
  readonly #max: number
  readonly #entries = new Map<TokenKey, Entry>()
  #purges = 0

  /** @param max how many are kept; the oldest go first */
  constructor(max: number) {
    this.#max = max
  }

  has(token: TokenKey, tenant: TenantId): boolean {
    const entry = this.#entries.get(token)
    if (entry === undefined) return false
    if (entry.untilMs > Date.now()) return entry.tenant === tenant
    this.#entries.delete(token)
    return false
  }

  /**
   * To be called before a verification. What it returns enters the token when it was found valid,
   * unless something was forgotten meanwhile: the verification may have used what was then changed.
   */
  begin(token: TokenKey): (tenant: TenantId, expiresAt: Date) => void {
    const purges = this.#purges
    return (tenant, expiresAt) => {
      if (purges !== this.#purges) return
      // Not all at one time: those that came together would be verified anew together.
      const untilMs = Math.min(
        expiresAt.getTime(),
        Date.now() + SECONDS_MAX * 1000 * (1 - Math.random() / 4),
      )
      const oldest = this.#entries.keys().next()
      if (this.#entries.size >= this.#max && !oldest.done) this.#entries.delete(oldest.value)
      this.#entries.set(token, { tenant, untilMs })
    }
  }

  forget(tenants: readonly TenantId[]): void {
    this.#purges += 1
    const gone = new Set(tenants)
    for (const [token, { tenant }] of this.#entries) {
      if (gone.has(tenant)) this.#entries.delete(token)
    }
  }
}
