import { createHash, randomUUID } from 'node:crypto'
import type { Erasure, LeaseRecord } from '../../boundaries/boundary.ts'
import type { OperatorAccounts, PersonView } from '../../control/operators/people.ts'
import type { Ports } from '../../control/ports.ts'
import type { SupportDesk } from '../../control/support/support-desk.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { LeaseId } from '../../core/lease.ts'
import { parseSubject, type Subject } from '../../core/names.ts'
import { OPERATORS_REALM } from '../../core/operators-realm.ts'
import { type SupportDecision, type SupportTerms, termsDigest } from '../../core/support-terms.ts'
import type { CellName, Tenant, TenantId, Tier } from '../../core/tenant.ts'
import type { SigningKey } from '../../tokens/signing-key.ts'
import { WorldRealms } from './world-realms.ts'

type LiveBoundary = Awaited<ReturnType<Ports['cells']['boundaries']>>[number]
type Entry = { -readonly [K in keyof LeaseRecord]: LeaseRecord[K] }

export const issuerOf = (tenant: TenantId) => `https://id.back-office.test/realms/${tenant}`

interface Place {
  tier: Tier
  readonly key: string
  /** What is exported, by the names of its items. */
  readonly items: Map<string, string>
  readonly leases: Entry[]
}

/**
 * Stands where cells and the identity plane stand, in memory. It believes the control plane, as they
 * do, and keeps what it was told, so that what became of a tenant can be seen there.
 */
export class World implements Ports {
  readonly cells: Ports['cells']
  readonly realms: Ports['realms']
  readonly #places = new Map<TenantId, Place>()
  /** What a tenant's place waits for before it is made. */
  readonly #gates = new Map<TenantId, Promise<void>>()

  /** Users of realms. */
  readonly users = new WorldRealms()
  readonly administration = this.users.ask
  readonly operators: OperatorAccounts
  readonly support: SupportDesk
  /** What tenants' administrators said of accesses, by the realm in which they said it. */
  readonly words = new Map<TenantId, SupportDecision[]>()

  /** @param realmKey of every tenant's realm; @param operatorsKey of the operators' own */
  constructor(realmKey: SigningKey, operatorsKey: SigningKey) {
    this.cells = { boundaries: async (cell) => [this.#boundary(cell)] }
    const open = new Map<TenantId, boolean>()
    const realmOf = (tenant: TenantId) => ({
      issuer: issuerOf(tenant),
      keys: [(tenant === OPERATORS_REALM ? operatorsKey : realmKey).publicJwk],
    })
    this.realms = {
      ensure: async (tenant) => {
        if (!open.has(tenant)) open.set(tenant, false)
        return realmOf(tenant)
      },
      find: async (tenant) => (open.has(tenant) ? realmOf(tenant) : undefined),
      setOpen: async (tenant, is) => void open.set(tenant, is),
      remove: async (tenant) => void open.delete(tenant),
      rotateKeys: async () => undefined,
    }
    const people = new Map<Subject, PersonView>()
    this.operators = {
      list: async () => [...people.values()],
      invite: async ({ email, displayName, roles }) => {
        const subject = parseSubject(email.split('@')[0])
        const person = { subject, email, displayName, roles, active: true, createdAt: new Date() }
        people.set(subject, person)
        return person
      },
      setRoles: async (subject, roles) => {
        const person = people.get(subject)
        if (person !== undefined) people.set(subject, { ...person, roles })
      },
      remove: async (subject) => void people.delete(subject),
    }
    this.support = {
      show: async () => undefined,
      decisions: async (tenant) => this.words.get(tenant) ?? [],
      issue: async (tenant, _access, seconds) => ({
        token: `a token of ${tenant}`,
        expiresAt: new Date(Date.now() + seconds * 1000),
      }),
    }
  }

  /** An administrator of `tenant` says it, about whatever access. */
  say(tenant: TenantId, kind: SupportDecision['kind'], terms: SupportTerms): void {
    const digest = termsDigest(terms)
    const word = { access: terms.id, digest, kind, by: 'administrator', at: new Date() }
    this.words.set(tenant, [...(this.words.get(tenant) ?? []), word])
  }

  /** The tenant's place, or undefined when there is none. */
  find(tenant: TenantId): Place | undefined {
    return this.#places.get(tenant)
  }

  /** A lease that a service took. */
  lend(tenant: TenantId, holder: string): LeaseId {
    const id = randomUUID() as string as LeaseId
    const now = Date.now()
    this.#place(tenant).leases.unshift({
      lease_id: id,
      tenant,
      scope: 'read',
      holder,
      issued_at: new Date(now),
      expires_at: new Date(now + 900_000),
      ended_at: undefined,
      ended_why: undefined,
    })
    return id
  }

  /** Ids of the leases of a tenant that would open something now. */
  live(tenant: TenantId): readonly LeaseId[] {
    const leases = this.#places.get(tenant)?.leases ?? []
    return leases.filter(({ ended_at }) => ended_at === undefined).map(({ lease_id }) => lease_id)
  }

  /** Lets a tenant's place not be made until the function that it returns is called. */
  hold(tenant: TenantId): () => void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#gates.set(tenant, promise)
    return () => {
      this.#gates.delete(tenant)
      resolve()
    }
  }

  #place(tenant: TenantId): Place {
    const place = this.#places.get(tenant)
    if (place === undefined) throw new RingfenceError('tenant_unknown', 'there is no such tenant')
    return place
  }

  #boundary(cell: CellName): LiveBoundary {
    const placement = (tenant: TenantId) => {
      const { tier, key } = this.#place(tenant)
      return { tenant, tier, cell, key, place: 'memory' }
    }
    const unmoved = async () => {
      throw new RingfenceError('engine_unsupported', 'nothing moves here')
    }
    return {
      engine: 'memory',
      tiers: ['pooled'],
      provision: async ({ id, tier }: Tenant) => {
        await this.#gates.get(id)
        const fresh = { tier, key: randomUUID(), items: new Map(), leases: [] }
        if (!this.#places.has(id)) this.#places.set(id, fresh)
        return placement(id)
      },
      lease: async () => {
        throw new RingfenceError('lease_denied', 'vending gives leases')
      },
      revoke: async (tenant, lease) => {
        const hit = (this.#places.get(tenant)?.leases ?? []).filter(
          ({ lease_id, ended_at }) =>
            ended_at === undefined && (lease === undefined || lease_id === lease),
        )
        for (const entry of hit) {
          entry.ended_at = new Date()
          entry.ended_why = 'revoked'
        }
        return { leases: hit.map(({ lease_id }) => lease_id), sessionsEnded: 0 }
      },
      leases: async (tenant) => this.#place(tenant).leases,
      sweep: async () => ({ leasesExpired: 0, sessionsEnded: 0, overBudget: [] }),
      inspect: async () => [],
      smoke: async (tenant) => [
        { id: 'memory-place', held: this.#places.has(tenant), outcome: 'it has a place' },
      ],
      export: async (tenant, sink) => {
        const items = []
        for (const [item, text] of this.#place(tenant).items) {
          const bytes = Buffer.from(text)
          await sink.open(item)
          await sink.write(bytes)
          await sink.close(item)
          const sha256 = createHash('sha256').update(bytes).digest('hex')
          items.push({ item, count: 1, bytes: bytes.length, sha256 })
        }
        return { tenant, engine: 'memory', exportedAt: new Date(), items }
      },
      erase: async (tenant) => this.#erased(tenant, this.#places.delete(tenant)),
      prepareMove: unmoved,
      catchUp: unmoved,
      cutOver: unmoved,
      abortMove: unmoved,
      finishMove: unmoved,
      close: async () => undefined,
    }
  }

  #erased(tenant: TenantId, was: boolean): Erasure {
    return {
      tenant,
      erasedAt: new Date(),
      deleted: [{ item: 'place', count: was ? 1 : 0 }],
      probes: [{ place: 'memory', found: this.#places.has(tenant) ? 1 : 0 }],
      notCovered: [],
    }
  }
}
