import assert from 'node:assert/strict'
import { type ErrorCode, RingfenceError } from '../../core/errors.ts'
import type { Credential, Lease, LeaseRequest, Scope } from '../../core/lease.ts'
import {
  parseRegion,
  parseTenantId,
  type Tenant,
  type TenantId,
  type Tier,
} from '../../core/tenant.ts'
import type { Boundary } from '../boundary.ts'
import type { ConformanceSession, ConformanceSubject } from './subject.ts'

/** One sentence of the contract, and what shows that it is kept. */
export interface Obligation {
  readonly title: string
  readonly check: (trial: Trial) => Promise<void>
}

/** What the obligations of one tier are tried with. */
export interface Trial {
  readonly subject: ConformanceSubject
  readonly boundary: Boundary
  readonly tier: Tier
  /** Two tenants that stay for the whole trial. Their data are whatever earlier checks left. */
  readonly alpha: TenantId
  readonly beta: TenantId
}

const REGION = parseRegion('eu-west')
let made = 0

export async function startTrial<C extends Credential>(
  given: ConformanceSubject<C>,
  tier: Tier,
): Promise<Trial> {
  // The checks hand back only leases that this very subject gave out.
  const subject = given as unknown as ConformanceSubject
  const { boundary } = subject
  const [alpha, beta] = [freshTenant(tier), freshTenant(tier)]
  await boundary.provision(alpha)
  await boundary.provision(beta)
  return { subject, boundary, tier, alpha: alpha.id, beta: beta.id }
}

/** A tenant that the boundary has not met. */
export function freshTenant(tier: Tier): Tenant {
  made += 1
  return tenantNamed(`conformance-${tier}-${made}`, tier)
}

export function tenantNamed(id: string, tier: Tier): Tenant {
  return { id: parseTenantId(id), tier, region: REGION }
}

/** A text that occurs nowhere else. */
export function uniqueText(what: string): string {
  made += 1
  return `${what} ${crypto.randomUUID()} ${made}`
}

export function take(
  { boundary }: Pick<Trial, 'boundary'>,
  tenant: TenantId,
  scope: Scope = 'write',
  more: Partial<LeaseRequest> = {},
): Promise<Lease> {
  return boundary.lease(tenant, { scope, holder: 'conformance', ttlSeconds: 600, ...more })
}

/** Opens a session with the lease, uses it and closes it. */
export async function using<T>(
  { subject }: Pick<Trial, 'subject'>,
  lease: Lease,
  work: (session: ConformanceSession) => Promise<T>,
): Promise<T> {
  const session = await subject.connect(lease)
  try {
    return await work(session)
  } finally {
    await session.close()
  }
}

export async function opens(trial: Pick<Trial, 'subject'>, lease: Lease): Promise<boolean> {
  try {
    await using(trial, lease, (session) => session.read())
    return true
  } catch {
    return false
  }
}

/** Leases for the tenant, works in a session, and revokes the lease. */
export async function visiting<T>(
  trial: Pick<Trial, 'boundary' | 'subject'>,
  tenant: TenantId,
  work: (session: ConformanceSession) => Promise<T>,
): Promise<T> {
  const lease = await take(trial, tenant)
  try {
    return await using(trial, lease, work)
  } finally {
    await trial.boundary.revoke(tenant, lease.lease_id)
  }
}

/** That a session works no more. A service notices by the failure of its next request. */
export async function assertEnded(session: ConformanceSession): Promise<void> {
  await assert.rejects(session.read(), 'a session outlived its lease')
  await session.close()
}

export async function refused(work: Promise<unknown>, ...codes: ErrorCode[]): Promise<void> {
  await assert.rejects(work, (error: unknown) => {
    assert.ok(error instanceof RingfenceError, `not a RingfenceError: ${String(error)}`)
    assert.ok(codes.includes(error.code), `${error.code} is not ${codes.join(' or ')}`)
    return true
  })
}
