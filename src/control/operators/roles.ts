import type { OperatorScope } from '../control-plane.ts'

/** What somebody in the operators' realm can be. One may be several. */
export const OPERATOR_ROLES = ['viewer', 'operator', 'approver', 'security'] as const
export type OperatorRole = (typeof OPERATOR_ROLES)[number]

/** Of people in tenants' realms: no business of whoever only looks, and not for one factor. */
const REALMS: readonly OperatorScope[] = ['realms:read', 'realms:write']
const VIEWER: readonly OperatorScope[] = [
  'tenants:read',
  'leases:read',
  'support:read',
  'configuration:read',
]

/**
 * What each role may do: the one table. `jobs:write` is nobody's: contexts for jobs are for
 * automation, and a person gets at a tenant's data by support access. Who may write in realms could
 * enter a user there and sign in as it: that is an act for which a second person is needed.
 */
export const SCOPES_OF_ROLE: Readonly<Record<OperatorRole, readonly OperatorScope[]>> = {
  viewer: VIEWER,
  operator: [
    ...VIEWER,
    'tenants:write',
    'leases:write',
    'catalogue:write',
    'configuration:write',
    'support:write',
    ...REALMS,
  ],
  approver: [...VIEWER, 'approvals:write'],
  security: [
    ...VIEWER,
    'approvals:write',
    'leases:write',
    'operators:write',
    'security:write',
    ...REALMS,
  ],
}

/** What one factor is enough for. */
export const READING_SCOPES: readonly OperatorScope[] = VIEWER

/** Roles whose bearer decides on what somebody else asked for. */
const DECIDING: readonly OperatorRole[] = ['approver', 'security']

/** Of what a token says, what we know. */
export function knownRoles(names: readonly string[]): readonly OperatorRole[] {
  return OPERATOR_ROLES.filter((role) => names.includes(role))
}

export function scopesOfRoles(roles: readonly OperatorRole[]): readonly OperatorScope[] {
  return [...new Set(roles.flatMap((role) => SCOPES_OF_ROLE[role]))]
}

export function mayDecide(roles: readonly OperatorRole[]): boolean {
  return roles.some((role) => DECIDING.includes(role))
}

/** Roles that give a scope which none of the others gives. */
export function widens(before: readonly OperatorRole[], after: readonly OperatorRole[]): boolean {
  const had = scopesOfRoles(before)
  return scopesOfRoles(after).some((scope) => !had.includes(scope))
}
