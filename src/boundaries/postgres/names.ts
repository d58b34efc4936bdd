import { randomBytes, randomUUID } from 'node:crypto'
import type { Scope } from '../../core/lease.ts'

declare const tenantKeyBrand: unique symbol
/** A tenant's random, opaque name inside the engine (a uuid). It says nothing and is never reused. */
export type TenantKey = string & { readonly [tenantKeyBrand]: true }

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

export function newTenantKey(): TenantKey {
  return randomUUID() as TenantKey
}

/** Takes a key out of the custody tables. @throws TypeError for anything else than a uuid. */
export function tenantKey(value: string): TenantKey {
  if (!UUID.test(value)) throw new TypeError('not a tenant key')
  return value as TenantKey
}

/** What a login may do: a lease's scope, or the boundary's own export. */
export type LoginScope = Scope | 'export'

/**
 * The names of one installation on a cluster. Two installations (a live one and a rehearsal) on the
 * same cluster differ in their prefix, and so share no role and no database.
 */
export interface Names {
  readonly prefix: string
  /** Owns the application's objects. Cannot log in. */
  readonly owner: string
  /** Owns the helper functions of schema rf and runs deletes. Cannot log in, obeys row security. */
  readonly definer: string
  /** Hold the grants on the application's objects. */
  readonly groups: Readonly<Record<LoginScope, string>>
  /** The same, for tenants of the pooled database: members of the groups, with CONNECT on it. */
  readonly pooledGroups: Readonly<Record<LoginScope, string>>
  /** The login that manages tenant credentials and can do no more. */
  readonly custodian: string
  /** The database of the ledger, where only the custodian may connect. */
  readonly custodyDatabase: string
  /** The pooled tenants' database. */
  readonly pooledDatabase: string
  /** What bridge databases are made from; nobody connects. */
  readonly templateDatabase: string
}

const PREFIX = /^[a-z][a-z0-9]{1,11}$/

/** @throws RangeError unless the prefix is 2 to 12 lower-case letters and digits, a letter first. */
export function namesFor(prefix: string, application: string): Names {
  if (!PREFIX.test(prefix)) throw new RangeError('a prefix is 2 to 12 of a-z and 0-9')
  return {
    prefix,
    owner: `${prefix}_owner`,
    definer: `${prefix}_definer`,
    groups: { read: `${prefix}_read`, write: `${prefix}_write`, export: `${prefix}_export` },
    pooledGroups: {
      read: `${prefix}_pooled_read`,
      write: `${prefix}_pooled_write`,
      export: `${prefix}_pooled_export`,
    },
    custodian: `${prefix}_custodian`,
    custodyDatabase: `${prefix}_custody`,
    pooledDatabase: prefix === 'rf' ? application : `${prefix}_${application}`,
    templateDatabase: `${prefix}_${application}_template`,
  }
}

/** A prefix that no installation has had: for rehearsals. */
export function randomPrefix(): string {
  return `rfx${randomBytes(4).toString('hex')}`
}

/** Every role that tenants are in, directly or through another. */
export function groupRoles(names: Names): readonly string[] {
  return [...Object.values(names.groups), ...Object.values(names.pooledGroups)]
}

const SCOPE_LETTER: Readonly<Record<LoginScope, string>> = { read: 'r', write: 'w', export: 'x' }

/** Live credentials that a tenant may hold at once for one scope. Two are used in turn. */
export const LOGIN_SLOTS = 8

/** `rf_<32 hex digits>_w0`: the login role whose name is the tenant's identity. */
export function loginRole(names: Names, key: TenantKey, scope: LoginScope, slot: number): string {
  return `${names.prefix}_${key.replaceAll('-', '')}_${SCOPE_LETTER[scope]}${slot}`
}

/** The tenant's key, from the name of one of its login roles. */
export function keyOf(names: Names, role: string): TenantKey {
  const hex = role.slice(names.prefix.length + 1, names.prefix.length + 33)
  return tenantKey(hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'))
}

/** The scope of a login role, from its name. */
export function loginScopeOf(role: string): LoginScope | undefined {
  const letter = role.at(-2)
  return (Object.keys(SCOPE_LETTER) as LoginScope[]).find((s) => SCOPE_LETTER[s] === letter)
}

/** 1-based position of the tenant's 32 hex digits in a login role's name. */
export function keyOffset(names: Names): number {
  return names.prefix.length + 2
}

/** A POSIX regular expression, for use in SQL, of every login role of the installation. */
export function loginPattern(names: Names): string {
  return `^${names.prefix}_[0-9a-f]{32}_[rwx][0-9]$`
}

export function bridgeDatabase(names: Names, key: TenantKey): string {
  return `${names.prefix}_${key.replaceAll('-', '')}`
}
