import type { TenantId } from '../core/tenant.ts'
import type { Revocable, Revocation } from '../revocation/revocation.ts'

/** More than these are not told apart. */
const PRINCIPALS_MAX = 1_000

/** Takes a principal away from the tenant, and not one of its sessions: rare, and not to be waited for. */
const ENDS_SHARED: ReadonlySet<Revocation['kind']> = new Set([
  'everything',
  'tenant',
  'client',
  'subject',
])

interface Principal {
  /** Of the oldest token. */
  token: Revocable
  /** Several tokens of it: that one is revoked says nothing about the others. */
  several: boolean
}

/**
 * On whose behalf a lease was given. It is a workload's for a tenant, so that users who come one after
 * another are given the same one: it may have many principals.
 */
export class Behalf {
  readonly #principals = new Map<string, Principal>()
  /** Of principals who come from other tenants. */
  readonly #homes = new Set<TenantId>()
  #crowded = false

  add(token: Revocable): void {
    const { subject, client, session, source } = token
    const key = JSON.stringify([subject, client, session, source?.tenant, source?.session])
    if (source !== undefined) this.#homes.add(source.tenant)
    const known = this.#principals.get(key)
    if (known !== undefined) {
      known.several ||= known.token.id !== token.id
      if (token.issuedAt < known.token.issuedAt) known.token = token
    } else if (this.#principals.size < PRINCIPALS_MAX) {
      this.#principals.set(key, { token, several: false })
    } else this.#crowded = true
  }

  /** Whether something that is taken back in another tenant may be what it stands on. */
  standsOn(tenant: TenantId): boolean {
    return this.#homes.has(tenant)
  }

  /**
   * Whether the lease must end. It must when a principal, or all of the tenant, is taken away; of
   * sessions and single tokens, which end all the time, when there is nobody else who goes on with it.
   * @param news what has been revoked just now in the tenant
   */
  isEnded(
    find: (token: Revocable) => Revocation['kind'] | undefined,
    news: readonly Revocation[],
  ): boolean {
    const ended = [...this.#principals.values()].map(({ token, several }) => {
      const kind = find(token)
      return kind === 'token' && several ? undefined : kind
    })
    if (ended.some((kind) => kind !== undefined && ENDS_SHARED.has(kind))) return true
    // Of those who are not remembered it may be one.
    if (this.#crowded) return news.some(({ kind }) => ENDS_SHARED.has(kind))
    return ended.length > 0 && ended.every((kind) => kind !== undefined)
  }
}
