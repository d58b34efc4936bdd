import type { Finding } from '../core/finding.ts'
import type { Credential, Lease, LeaseId, LeaseRequest } from '../core/lease.ts'
import type { CellName, Tenant, TenantId, Tier } from '../core/tenant.ts'

/**
 * THE CONTRACT. A boundary is an engine's own access control, used to separate tenants. Each engine
 * is one folder beside this file that implements it; everything else iterates over boundaries and
 * knows no engine. `conformance/` checks the obligations written here.
 *
 * All methods are safe for concurrent use, from several processes. Every method may throw
 * `RingfenceError` with `engine_unavailable` or `timed_out`; a method that throws has either done
 * nothing or can be called again with the same arguments to finish.
 */
export interface Boundary<C extends Credential = Credential> extends Leaser<C>, Provable, Mover {
  /**
   * On return the tenant's place exists, is empty or as it was, and no other tenant's credential
   * reaches it. Idempotent: a second call returns the same placement and changes nothing.
   */
  provision(tenant: Tenant): Promise<Placement>

  /**
   * Streams everything the tenant owns, and nothing of anyone else's, to `sink` in bounded memory.
   * The manifest's counts and hashes are of exactly what the sink took. Rows of one item come from
   * one consistent snapshot. Throws `tenant_unknown`.
   */
  export(tenant: TenantId, sink: ExportSink): Promise<ExportManifest>

  /**
   * Ends the tenant's leases, deletes everything it owns, and looks for what is left. Idempotent,
   * and not an error for a tenant that never was. The same tenant id may be provisioned again: it
   * gets a new place in which nothing of the old one can be reached.
   */
  erase(tenant: TenantId): Promise<Erasure>

  /**
   * Attacks the live tenant's place with a lease of its own, without leaving a trace in any tenant's
   * data: the owner must get in, and must get nowhere else. All checks must hold before a tenant is
   * `active`. Ends its own leases. Throws `tenant_unknown`.
   */
  smoke(tenant: TenantId): Promise<readonly SmokeCheck[]>

  /** Lets go of connections. Leases stay as they are. */
  close(): Promise<void>
}

/** A boundary with live tenants in it, seen from another process: all but what a proof needs. */
export type LiveBoundary<C extends Credential = Credential> = Omit<
  Boundary<C>,
  'attacks' | 'mutants' | 'rehearse'
>

/**
 * Changes a tenant's tier inside its cell. The tenant has one place at any instant that anybody can
 * see; a second one is made beside it and takes over in one step. Every method is idempotent and can
 * be killed at any instruction: calling it again finishes it, and until `cutOver` has returned true
 * `abortMove` leaves the tenant whole in its old place.
 */
export interface Mover {
  /**
   * Makes a place of tier `to` beside the present one, closed to leases, and copies everything as of
   * one consistent moment, while the tenant works on. Throws `tenant_unknown`, `move_failed` when
   * another move to another tier is under way, `engine_unsupported`.
   */
  prepareMove(tenant: TenantId, to: Tier): Promise<MoveProgress>
  /** Copies what has changed since, while the tenant works on. Repeat it until little is left. */
  catchUp(tenant: TenantId): Promise<MoveProgress>
  /**
   * The write pause: ends write leases and gives no new ones, copies the rest, compares both places
   * item by item by count and hash, and makes the new place the tenant's. Then ends the remaining
   * leases on the old place. Throws `move_failed`, with writes open again, when the places differ.
   */
  cutOver(tenant: TenantId): Promise<CutOver>
  /** Drops the new place. Not an error if no move is under way; throws `move_failed` after `cutOver`. */
  abortMove(tenant: TenantId): Promise<void>
  /** Erases the old place after `cutOver`, with residual probes. Not an error if it is gone already. */
  finishMove(tenant: TenantId): Promise<Erasure>
}

/** The part of a boundary that a proof needs. */
export interface Provable {
  /** For reports and logs. No behaviour is switched on it. */
  readonly engine: string
  readonly tiers: readonly Tier[]

  /** Reads the engine's present state and changes nothing. Order is stable. */
  inspect(): Promise<readonly Finding[]>

  /** How tenant A would try to reach tenant B here. Never empty. */
  attacks(): readonly Attack[]

  /** Ways to weaken this boundary that an attack or `inspect` must notice. Never empty. */
  mutants(): readonly Mutant[]

  /**
   * Builds a throw-away copy of this boundary, with canaries planted for `tenants` tenants, in which
   * attacks and mutants run without touching a live tenant. The caller closes it.
   */
  rehearse(tier: Tier, tenants: readonly TenantId[]): Promise<Rehearsal>
}

/** The part of a boundary that the vending plane holds: it manages credentials and sees no data. */
export interface Leaser<C extends Credential = Credential> {
  /**
   * On return the credential works, for this tenant and scope only, until `expires_at`. The lease is
   * in the ledger before the credential is usable, so that a killed process leaves no credential that
   * nobody knows of. A new lease never interrupts a live one of the same tenant and scope.
   * Throws `tenant_unknown`, `lease_denied`, `invalid_argument` (a ttl outside the policy).
   */
  lease(tenant: TenantId, request: LeaseRequest): Promise<Lease<C>>

  /**
   * On return the credential (or every credential of the tenant) opens no session, and sessions that
   * it had opened are gone. Not an error if there was none.
   */
  revoke(tenant: TenantId, lease?: LeaseId): Promise<Revocation>

  /** What the ledger holds for the tenant, newest first. Secrets are not in it. */
  leases(tenant: TenantId): Promise<readonly LeaseRecord[]>

  /**
   * Ends what has expired, and sessions over their tenant's budget; servers of active tenants that have
   * ended by themselves are started again meanwhile. Call it about every second.
   */
  sweep(): Promise<Sweep>
}

export interface Placement {
  readonly tenant: TenantId
  readonly tier: Tier
  readonly cell: CellName
  /** Opaque, random, never used again for anyone: the tenant's name inside the engine. */
  readonly key: string
  /** Where in the cell, in the engine's words (a database, a bucket). */
  readonly place: string
}

export interface SmokeCheck {
  /** Stable: `pg-other-tenants-rows`. */
  readonly id: string
  readonly held: boolean
  /** What was tried and what was seen, in one line without anything of another tenant's. */
  readonly outcome: string
}

export interface MoveProgress {
  readonly from: Tier
  readonly to: Tier
  /** Rows (or objects) written to the new place by this call. */
  readonly copied: number
  /** What the new place holds by now. */
  readonly items: readonly { readonly item: string; readonly count: number }[]
}

export interface CutOver {
  readonly placement: Placement
  /** Compared just before the new place took over. */
  readonly verified: readonly {
    readonly item: string
    readonly count: number
    readonly hash: string
  }[]
  /** Milliseconds for which no write was possible. */
  readonly pausedMs: number
}

export interface LeaseRecord {
  readonly lease_id: LeaseId
  readonly tenant: TenantId
  readonly scope: LeaseRequest['scope']
  readonly holder: string
  readonly issued_at: Date
  readonly expires_at: Date
  readonly ended_at: Date | undefined
  /** Why it ended: `expired`, `revoked`, `replaced`. */
  readonly ended_why: string | undefined
}

export interface Revocation {
  readonly leases: readonly LeaseId[]
  readonly sessionsEnded: number
}

export interface Sweep {
  readonly leasesExpired: number
  readonly sessionsEnded: number
  /** Statements and sessions ended for their budget, each with the reason. */
  readonly overBudget: readonly string[]
}

/** Takes one item (a table, a prefix) at a time. Must apply back-pressure through its promises. */
export interface ExportSink {
  open(item: string): Promise<void>
  write(chunk: Uint8Array): Promise<void>
  close(item: string): Promise<void>
}

export interface ExportManifest {
  readonly tenant: TenantId
  readonly engine: string
  readonly exportedAt: Date
  readonly items: readonly ExportItem[]
}

export interface ExportItem {
  readonly item: string
  readonly count: number
  readonly bytes: number
  /** Hex SHA-256 of the bytes that the sink took for this item. */
  readonly sha256: string
}

export interface Erasure {
  readonly tenant: TenantId
  readonly erasedAt: Date
  /** What was deleted: item and count. */
  readonly deleted: readonly { readonly item: string; readonly count: number }[]
  /** Where the boundary then looked for what might be left, and what it saw. All must be 0. */
  readonly probes: readonly { readonly place: string; readonly found: number }[]
  /** What the engine cannot erase or see (backups, logs): sentences for the receipt. */
  readonly notCovered: readonly string[]
}

/** What an attack tries to gain: data, a change, knowledge that something exists, or a disturbance. */
export const ATTACK_KINDS = ['read', 'write', 'existence', 'disturbance'] as const
export type AttackKind = (typeof ATTACK_KINDS)[number]

export interface Attack {
  /** Stable: `pg-select-without-where`. */
  readonly id: string
  readonly title: string
  readonly kind: AttackKind
  readonly tiers: readonly Tier[]
  /** Catalogue entries and CVEs: `PG-13`, `CVE-2026-120154`. */
  readonly references: readonly string[]
  /** For a channel that the engine cannot close on a tier: the sentence that states the limit. */
  readonly limits: Readonly<Partial<Record<Tier, string>>>
}

export interface Mutant {
  /** Stable: `pg-force-off`. */
  readonly id: string
  /** What is weakened, as a careless change would do it: `NO FORCE ROW LEVEL SECURITY on a table`. */
  readonly title: string
  readonly tiers: readonly Tier[]
  /**
   * Attacks that are known to get further on it, best first. Others are tried only when neither
   * these nor `inspect` notice it: a mutant that only `inspect` sees would cost a whole run of them.
   */
  readonly noticedBy?: readonly string[]
}

/**
 * `denied`: the owner could, the attacker could not. `leaked`: the attacker could. `limit`: the
 * attacker could, through a channel that the attack states as a limit of the tier. `void`: the
 * owner could not either, so nothing was shown.
 */
export type Verdict = 'denied' | 'leaked' | 'limit' | 'void'

export interface Strike {
  readonly attack: string
  readonly tier: Tier
  readonly attacker: TenantId
  readonly victim: TenantId
  readonly verdict: Verdict
  /** What the owner was seen to do first, in one line. */
  readonly owner: string
  /** What the attacker then met or got, in one line. */
  readonly outcome: string
  readonly milliseconds: number
}

/** A throw-away copy of a boundary with a canary in every tenant's place. */
export interface Rehearsal {
  readonly tier: Tier
  readonly tenants: readonly TenantId[]
  /** The tenants whose canaries the administrator sees. A run that misses one is void. */
  canariesSeen(): Promise<readonly TenantId[]>
  /**
   * Runs one attack of `Boundary.attacks`. Never throws for what the engine answers: judges by the
   * canaries that reached the attacker and by the victim's state, not by an error's text.
   */
  strike(attack: Attack, attacker: TenantId, victim: TenantId): Promise<Strike>
  inspect(): Promise<readonly Finding[]>
  /** A weakened copy of this copy; this one stays as it is. The caller closes it. */
  weaken(mutant: Mutant): Promise<Rehearsal>
  close(): Promise<void>
}
