import type { Lease } from '../core/lease.ts'
import { RingfenceError } from '../core/errors.ts'
import type { ClientId } from '../core/names.ts'
import type { Attempt } from './attempt.ts'
import type { CheckTools } from './check-tools.ts'
import { Behalf } from './behalf.ts'
import { type Check, revoked } from './checks.ts'
import type { Enforcer } from './enforcer.ts'
import type { FairGate } from './fair-gate.ts'
import { forbiddenBy } from './forbidden-by.ts'
import { type Issued, type IssuedLeases, issuedOf } from './issued-leases.ts'
import type { RevocationSource } from '../revocation/revocation.ts'
import type { ConfigurationSource } from '../snapshot/snapshot.ts'
import type { LeaseCache, LeaseOrder, LeaserOf } from './lease-cache.ts'
import { Refusal } from './refusal.ts'
import { revocableOf } from './revocable.ts'

export interface DeskOptions {
  readonly checks: readonly Check[]
  readonly tools: CheckTools
  readonly configuration: ConfigurationSource
  readonly revocations: RevocationSource
  readonly leaserOf: LeaserOf
  readonly cache: LeaseCache
  readonly issued: IssuedLeases
  readonly enforcer: Enforcer
  readonly gate: FairGate
}

export interface Granted {
  readonly lease: Lease
  /** False when it was in hand already. */
  readonly opened: boolean
}

/** Judges requests, and gives, renews and ends leases. It answers nobody and writes nothing down. */
export class Desk {
  readonly #options: DeskOptions

  constructor(options: DeskOptions) {
    this.#options = options
  }

  /** @throws Refusal, and what the engine throws */
  async exchange(attempt: Attempt): Promise<Granted> {
    await this.#check('who', attempt)
    await this.#check('what', attempt)
    return this.#give(attempt, (order) => this.#options.cache.get(order))
  }

  /** Another lease in place of one that is the caller's; the old one lives on until it expires. */
  async renew(attempt: Attempt): Promise<Granted> {
    await this.#check('who', attempt)
    const old = await this.#find(attempt)
    attempt.scope = old.scope
    await this.#check('what', attempt)
    return this.#give(attempt, (order) => this.#options.cache.renew(order, old))
  }

  /** On return the lease opens nothing any more. Absent ones are refused, as others' are. */
  async revoke(attempt: Attempt): Promise<Issued> {
    await this.#check('who', attempt)
    const lease = await this.#find(attempt)
    const { cache, leaserOf, issued } = this.#options
    cache.forget((_, id) => id === lease.lease_id)
    await leaserOf(lease.cell).revoke(lease.tenant, lease.lease_id)
    issued.remove(lease.lease_id)
    return lease
  }

  /** Ends a lease of which nobody was told, in the background, and hands it out no more. */
  takeBack(lease: Lease, holder: ClientId): void {
    const { cache, enforcer } = this.#options
    cache.forget((_, id) => id === lease.lease_id)
    enforcer.end(issuedOf(lease, holder), 'taken-away')
  }

  async #check(stage: Check['stage'], attempt: Attempt): Promise<void> {
    for (const check of this.#options.checks) {
      const about = check.kinds === undefined || check.kinds.includes(attempt.kind)
      if (check.stage === stage && about) await check.run(attempt, this.#options.tools)
    }
  }

  /**
   * The lease that a caller names. One that we did not give ourselves is looked for in the ledger of
   * the caller's own tenant, and one that is not the caller's too: both take the same time.
   */
  async #find(attempt: Attempt): Promise<Issued> {
    const { leaseId } = attempt
    attempt.lease = leaseId === undefined ? undefined : this.#options.issued.find(leaseId)
    const refusal = await this.#check('lease', attempt).then(
      () => undefined,
      (error: unknown) => error,
    )
    if (refusal === undefined && attempt.lease !== undefined) return attempt.lease
    const foreign = attempt.lease !== undefined
    attempt.lease = await this.#fromLedger(attempt)
    if (attempt.lease === undefined) {
      throw foreign ? refusal : new Refusal('invalid_grant', 'lease', 'absent')
    }
    await this.#check('lease', attempt)
    return attempt.lease
  }

  async #fromLedger({ leaseId, context, tenant }: Attempt): Promise<Issued | undefined> {
    if (tenant === undefined) return undefined
    const records = await this.#options.leaserOf(tenant.cell).leases(context.tenant)
    const record = records.find(
      // Its end is by the engine's clock, which ends it then: ours may be another.
      ({ lease_id, ended_at }) => lease_id === leaseId && ended_at === undefined,
    )
    if (record === undefined) return undefined
    const { lease_id, scope, holder, expires_at } = record
    return {
      lease_id,
      tenant: record.tenant,
      holder: holder as Issued['holder'],
      scope,
      cell: tenant.cell,
      expires_at,
      behalf: new Behalf(),
    }
  }

  async #give(attempt: Attempt, ask: (order: LeaseOrder) => Promise<Granted>): Promise<Granted> {
    const { gate, issued, revocations } = this.#options
    const order = orderOf(attempt)
    const principal = revocableOf(attempt.context)
    const before = revocations.find(principal)
    const granted = await gate.run(order.tenant, () => ask(order))
    // From here on the lease stands on this context too, and ends with it.
    issued.find(granted.lease.lease_id)?.behalf.add(principal)
    this.#stillAllowed(attempt, granted.lease)
    if (before === undefined && revocations.find(principal) !== undefined) {
      this.#options.enforcer.endRevoked(order.tenant)
      throw revoked()
    }
    return granted
  }

  /** The world may have changed while the caller waited. */
  #stillAllowed(attempt: Attempt, lease: Lease): void {
    const now = this.#options.configuration.current()
    // A version is taken before anything is looked up in it: whatever was read later differs in it.
    if (now.version === attempt.configuration.version) return
    const issued = issuedOf(lease, attempt.client)
    const reason = forbiddenBy(now, issued)
    if (reason === undefined) return
    this.#options.enforcer.end(issued, reason)
    throw new RingfenceError('tenant_not_active', 'the configuration changed meanwhile')
  }
}

/** @throws Refusal when the checks let something pass for which there is no place */
function orderOf({ tenant, context, client, scope, seconds, jobEndsAt }: Attempt): LeaseOrder {
  if (tenant === undefined) throw new Refusal('invalid_grant', 'tenant', 'unknown')
  return {
    tenant: context.tenant,
    cell: tenant.cell,
    tier: tenant.tier,
    holder: client,
    scope,
    seconds,
    ...(jobEndsAt === undefined ? {} : { job: { id: context.id, until: jobEndsAt } }),
  }
}
