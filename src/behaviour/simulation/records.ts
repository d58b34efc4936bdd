import type { AuditEntry } from '../../audit/entry.ts'
import { type AuditDraft, makeEntry } from '../../audit/make-entry.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { UsageEvent } from '../../usage/usage-event.ts'
import type { Partner, Person } from './people.ts'
import type { SeededRandom } from './seeded-random.ts'

/** One line of traffic, as planes would have written it. */
export type Recorded =
  | { readonly at: number; readonly entry: AuditEntry }
  | { readonly at: number; readonly event: UsageEvent }

/** Makes lines as the planes make them. */
export class Records {
  readonly #random: SeededRandom

  constructor(random: SeededRandom) {
    this.#random = random
  }

  call({ tenant, name }: Person, at: number): Recorded {
    return this.#event({ tenantid: tenant, subject: name }, at)
  }

  delegatedCall({ tenant, grantee, grant }: Partner, at: number): Recorded {
    const whose = { tenantid: grantee, tenantcontextid: tenant, grantid: grant }
    return this.#event({ ...whose, subject: `grant:${grant}` }, at)
  }

  signIn({ tenant, name }: Person, at: number): Recorded {
    return this.#entry(
      {
        tenant,
        ...{ category: 'authentication', action: 'user.signed-in', layer: 'sign-in' },
        actor: { kind: 'user', id: name },
        decision: 'allowed',
      },
      at,
    )
  }

  lease({ tenant, name }: Person, at: number): Recorded {
    return this.#entry(
      {
        tenant,
        ...{ category: 'lease', action: 'lease.granted', layer: 'vending lease' },
        actor: { kind: 'workload', id: 'clinic' },
        on_behalf_of: { kind: 'user', id: name },
        decision: 'allowed',
      },
      at,
    )
  }

  /** A request that is entered: one that writes, or one that is denied. */
  request(
    { tenant, name }: Person,
    at: number,
    session: string,
    address: string,
    denied: boolean,
  ): Recorded {
    return this.#entry(
      {
        tenant,
        category: 'decision',
        action: denied ? 'request.denied' : 'request.allowed',
        layer: denied ? 'policies' : 'front-door',
        actor: { kind: 'user', id: name },
        decision: denied ? 'denied' : 'allowed',
        address,
        detail: { session },
      },
      at,
    )
  }

  invalidToken(address: string, at: number, reason: string): Recorded {
    return this.#entry(
      {
        ...{ category: 'decision', action: 'request.denied', layer: 'token', reason, address },
        actor: { kind: 'unknown', id: 'unknown' },
        decision: 'denied',
      },
      at,
    )
  }

  beyondGrant({ tenant, grantee, grant }: Partner, at: number): Recorded {
    return this.#entry(
      {
        tenant,
        ...{ category: 'decision', action: 'request.denied', layer: 'action-of-the-grant' },
        actor: { kind: 'user', id: 'partner', tenant: grantee },
        decision: 'denied',
        grant_id: grant,
        address: '192.0.2.1',
        detail: { session: grant },
      },
      at,
    )
  }

  #entry(draft: AuditDraft, at: number): Recorded {
    return { at, entry: makeEntry({ id: this.#random.uuid(), time: new Date(at), ...draft }) }
  }

  #event(
    of: {
      readonly tenantid: TenantId
      readonly subject: string
      readonly tenantcontextid?: TenantId
      readonly grantid?: string
    },
    at: number,
  ): Recorded {
    const event: UsageEvent = {
      specversion: '1.0',
      id: this.#random.uuid(),
      source: 'urn:ringfence:gateway:simulated',
      type: 'dev.ringfence.request',
      time: new Date(at).toISOString(),
      ...of,
      data: {},
    }
    return { at, event }
  }
}
