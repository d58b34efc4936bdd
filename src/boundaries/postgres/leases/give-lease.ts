import { RingfenceError } from '../../../core/errors.ts'
import {
  LEASE_TTL_SECONDS_DEFAULT,
  LEASE_TTL_SECONDS_MAX,
  LEASE_TTL_SECONDS_MIN,
  type Lease,
  type LeaseRequest,
  SCOPES,
} from '../../../core/lease.ts'
import type { CellName, TenantId, Tier } from '../../../core/tenant.ts'
import { keyOf, type TenantKey } from '../names.ts'
import type { Site } from '../site.ts'
import type { Budget } from './budget.ts'
import type { OpenedLogin } from './custodian.ts'

/** libpq's own words for a connection, so that any PostgreSQL client understands them. */
export type PostgresCredential = Readonly<{
  host: string
  port: number
  database: string
  user: string
  password: string
}>

/** Where a tenant is: the server, and where on it. */
export interface Located {
  readonly site: Site
  readonly key: TenantKey
  readonly tier: Tier
  readonly database: string
}

export interface LeaseDesk {
  readonly cell: CellName
  readonly budget: Budget
  /** Where the tenant is now. Throws `tenant_unknown`. */
  locate(): Promise<Located>
  /** What the cell's own ledger says of that. */
  present(): Promise<{ readonly key: TenantKey } | undefined>
}

/** Who asks, for the ledger: 1 to 100 visible characters. */
const HOLDER = /^[\x21-\x7e](?:[\x20-\x7e]{0,98}[\x21-\x7e])?$/

/**
 * Opens a lease on the tenant's present place, also while it changes places: a login that was opened
 * on a place which is the tenant's no more is ended and never handed out.
 * @throws RingfenceError `invalid_argument`, `tenant_unknown`, `lease_denied`
 */
export async function giveLease(
  desk: LeaseDesk,
  tenant: TenantId,
  request: LeaseRequest,
): Promise<Lease<PostgresCredential>> {
  const seconds = checkedSeconds(request)
  for (;;) {
    const place = await desk.locate()
    const opened = await openAt(desk, place, tenant, request, seconds)
    if (opened === undefined) continue
    return {
      lease_id: opened.leaseId,
      lease_duration: seconds,
      renewable: true,
      tenant,
      boundary: 'postgres',
      tier: place.tier,
      cell: desk.cell,
      scope: request.scope,
      issued_at: opened.issuedAt,
      expires_at: opened.expiresAt,
      credential: credentialOf(place.site, opened),
    }
  }
}

/** Undefined when the tenant has changed places meanwhile. */
async function openAt(
  desk: LeaseDesk,
  { site, key, tier }: Located,
  tenant: TenantId,
  { scope, holder }: LeaseRequest,
  seconds: number,
): Promise<OpenedLogin | undefined> {
  const hasMoved = async () => (await desk.present())?.key !== key
  let opened: OpenedLogin
  try {
    opened = await site.custodian.open(tenant, scope, seconds, holder, desk.budget)
  } catch (error) {
    if (isRefusal(error) && (await hasMoved())) return undefined
    throw error
  }
  // The cell's ledger gives leases on the present place only; a silo's cannot know which that is.
  const stale = tier === 'silo' ? await hasMoved() : keyOf(site.names, opened.user) !== key
  if (!stale) return opened
  await site.custodian.end(tenant, opened.leaseId, 'moved')
  return undefined
}

function checkedSeconds({ ttlSeconds, scope, holder }: LeaseRequest): number {
  const seconds = ttlSeconds ?? LEASE_TTL_SECONDS_DEFAULT
  if (!(seconds >= LEASE_TTL_SECONDS_MIN && seconds <= LEASE_TTL_SECONDS_MAX)) {
    throw new RingfenceError(
      'invalid_argument',
      `a lease lives ${LEASE_TTL_SECONDS_MIN} to ${LEASE_TTL_SECONDS_MAX} seconds`,
    )
  }
  if (!SCOPES.includes(scope)) {
    throw new RingfenceError('invalid_argument', `a scope is one of ${SCOPES.join(', ')}`)
  }
  if (!HOLDER.test(holder)) {
    throw new RingfenceError('invalid_argument', 'a holder is a name like vending-1')
  }
  return Math.floor(seconds)
}

/** What a ledger says, as against what happens to it. */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof RingfenceError &&
    (error.code === 'tenant_unknown' || error.code === 'lease_denied')
  )
}

/** What a tenant connects with. */
export function credentialOf(site: Site, opened: OpenedLogin): PostgresCredential {
  const { host, port } = site.cluster.admin
  return { host, port, database: opened.database, user: opened.user, password: opened.password }
}
