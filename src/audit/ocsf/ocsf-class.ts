import type { AuditEntry, Category } from '../entry.ts'

/** A class of OCSF that our entries are of, with its category. */
export interface OcsfClass {
  readonly uid: number
  readonly name: string
  readonly category: { readonly uid: number; readonly name: string }
}

const IAM = { uid: 3, name: 'Identity & Access Management' } as const

export const ACCOUNT_CHANGE: OcsfClass = { uid: 3001, name: 'Account Change', category: IAM }
export const AUTHENTICATION: OcsfClass = { uid: 3002, name: 'Authentication', category: IAM }
export const ENTITY_MANAGEMENT: OcsfClass = { uid: 3004, name: 'Entity Management', category: IAM }
export const API_ACTIVITY: OcsfClass = {
  uid: 6003,
  name: 'API Activity',
  category: { uid: 6, name: 'Application Activity' },
}
export const DETECTION_FINDING: OcsfClass = {
  uid: 2004,
  name: 'Detection Finding',
  category: { uid: 2, name: 'Findings' },
}

const BY_CATEGORY: Readonly<Record<Category, OcsfClass>> = {
  authentication: AUTHENTICATION,
  revocation: ENTITY_MANAGEMENT,
  decision: API_ACTIVITY,
  lease: API_ACTIVITY,
  grant: ENTITY_MANAGEMENT,
  directory: ENTITY_MANAGEMENT,
  configuration: ENTITY_MANAGEMENT,
  lifecycle: ENTITY_MANAGEMENT,
  support: API_ACTIVITY,
  export: API_ACTIVITY,
  erasure: ENTITY_MANAGEMENT,
  keys: ENTITY_MANAGEMENT,
  billing: ENTITY_MANAGEMENT,
  detection: DETECTION_FINDING,
}

/** What of the directory is about one user's account. */
const ACCOUNTS = /^(?:user|password|factors|totp|passkey|recovery-codes)\./

export function classOf({ category, action }: Pick<AuditEntry, 'category' | 'action'>): OcsfClass {
  if (category === 'directory' && ACCOUNTS.test(action)) return ACCOUNT_CHANGE
  return BY_CATEGORY[category]
}

interface Activity {
  readonly id: number
  readonly name: string
}

const OTHER: Activity = { id: 99, name: 'Other' }
/** In each class, the first whose words fit the action. */
const ACTIVITIES: Readonly<Record<number, readonly (readonly [RegExp, number, string])[]>> = {
  [ACCOUNT_CHANGE.uid]: [
    [/^password\.(?:changed|refused)/, 3, 'Password Change'],
    [/^factors\.reset/, 11, 'MFA Factor Disable'],
    [/\.enrolled$/, 10, 'MFA Factor Enable'],
    [/^(?:totp|passkey)\.removed/, 11, 'MFA Factor Disable'],
    [/\.(?:created|create)$/, 1, 'Create'],
    [/\.(?:removed|remove)$/, 6, 'Delete'],
  ],
  [AUTHENTICATION.uid]: [
    [/signed-out/, 2, 'Logoff'],
    [/sign|^federation|^scim|^operator/, 1, 'Logon'],
    [/^token|^job/, 4, 'Service Ticket Request'],
  ],
  [ENTITY_MANAGEMENT.uid]: [
    [/\.(?:[a-z-]*created|create|offer|made|registered|ensured|begun)$/, 1, 'Create'],
    [/\.(?:[a-z-]*removed|remove|revoked|revoke|ended|erased|offboard)$/, 4, 'Delete'],
    [/\.(?:used|read|listed)$/, 2, 'Read'],
    [/./, 3, 'Update'],
  ],
  [API_ACTIVITY.uid]: [
    [/\.(?:granted|renewed|token|context|requested)$/, 1, 'Create'],
    [/\.(?:revoked|ended|expired)$/, 4, 'Delete'],
  ],
  [DETECTION_FINDING.uid]: [
    [/\.(?:undone|ended|closed|expired)$/, 3, 'Close'],
    [/\.(?:changed|updated)$/, 2, 'Update'],
    [/./, 1, 'Create'],
  ],
}

const BY_METHOD: Readonly<Record<string, Activity>> = {
  GET: { id: 2, name: 'Read' },
  HEAD: { id: 2, name: 'Read' },
  OPTIONS: { id: 2, name: 'Read' },
  POST: { id: 1, name: 'Create' },
  PUT: { id: 3, name: 'Update' },
  PATCH: { id: 3, name: 'Update' },
  DELETE: { id: 4, name: 'Delete' },
}

export function activityOf(entry: AuditEntry): Activity {
  const method = entry.detail?.['method']
  const byMethod = typeof method === 'string' ? BY_METHOD[method] : undefined
  if (entry.category === 'decision' && byMethod !== undefined) return byMethod
  const found = ACTIVITIES[classOf(entry).uid]?.find(([words]) => words.test(entry.action))
  return found === undefined ? OTHER : { id: found[1], name: found[2] }
}
