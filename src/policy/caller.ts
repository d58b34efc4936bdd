import type { TenantId } from '../core/tenant.ts'
import type { Delegation } from '../tokens/delegation.ts'
import type { SignIn } from '../tokens/sign-in-claims.ts'
import { DateTime } from './cedar/date-time.ts'
import { CedarSet, EntityRef, type Value } from './cedar/value.ts'
import { rolesAt } from './roles-at.ts'

/** What a verified token says of whoever asks. */
export interface Caller extends SignIn {
  readonly tenant: TenantId
  readonly subject: string
  /** The OAuth client through which the subject acts; undefined where nobody knows. */
  readonly client: string | undefined
  readonly scopes: readonly string[]
  readonly roles: readonly string[]
}

export interface PrincipalEntity {
  readonly ref: EntityRef
  readonly attributes: ReadonlyMap<string, Value>
  readonly parents: readonly EntityRef[]
}

const MULTI_FACTOR = 'urn:ringfence:acr:2'

export const tenantEntity = (tenant: TenantId) => new EntityRef('Tenant', tenant)

/**
 * A caller as a policy's principal: a `User`, a `Client` that acts for itself, or a `Delegate`. What it is in comes
 * from the token alone.
 * @param place where something is done, for roles that hold at places: `ward/north`
 */
export function principalOf(caller: Omit<Caller, 'scopes'>, place?: string): PrincipalEntity {
  const { tenant, subject, client = '', placedRoles = [], delegation } = caller
  if (delegation !== undefined) return delegateOf(caller, delegation)
  const roles = place === undefined ? caller.roles : rolesAt(place, caller.roles, placedRoles)
  const own = tenantEntity(tenant)
  return {
    ref: new EntityRef(subject === client ? 'Client' : 'User', `${tenant}/${subject}`),
    attributes: new Map<string, Value>([
      ['tenant', own],
      ['subject', subject],
      ['client', client],
      ['roles', new CedarSet(roles)],
      ['placedRoles', new CedarSet(placedRoles)],
    ]),
    parents: [own, ...roles.map((role) => new EntityRef('Role', `${tenant}/${role}`))],
  }
}

/**
 * Somebody of another tenant, under a grant. It is in nothing of the tenant's: not in the tenant itself,
 * and not in a role, whatever the token says.
 */
function delegateOf(
  { tenant, subject, client = '' }: Omit<Caller, 'scopes'>,
  { grant, grantee }: Delegation,
): PrincipalEntity {
  return {
    ref: new EntityRef('Delegate', `${tenant}/${grant}`),
    attributes: new Map<string, Value>([
      // Whose it is: what a tenant lets its own people do, it does not let this one do.
      ['tenant', tenantEntity(grantee)],
      ['subject', subject],
      ['client', client],
      ['roles', new CedarSet([])],
      ['placedRoles', new CedarSet([])],
      ['grant', grant],
      ['grantee', grantee],
    ]),
    parents: [],
  }
}

/** What a policy's context says of the caller. */
export function callerFields(caller: Caller, now: number): Map<string, Value> {
  return new Map<string, Value>([['time', timeOf(now)], ...callerFacts(caller)])
}

export const timeOf = (now: number) => new DateTime(BigInt(now))

/** What of it is the same at any time. */
export function callerFacts({
  scopes,
  amr = [],
  acr,
  authenticatedAt,
  actor,
}: Caller): ReadonlyMap<string, Value> {
  const fields = new Map<string, Value>([
    ['mfa', acr === MULTI_FACTOR || amr.includes('mfa')],
    ['scopes', new CedarSet(scopes)],
    ['amr', new CedarSet(amr)],
  ])
  if (acr !== undefined) fields.set('acr', acr)
  if (authenticatedAt !== undefined) {
    fields.set('authenticatedAt', new DateTime(BigInt(authenticatedAt.getTime())))
  }
  if (actor !== undefined) fields.set('actor', actor.subject)
  return fields
}
