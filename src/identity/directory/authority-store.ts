import { RingfenceError } from '../../core/errors.ts'
import type { Subject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { IdentityDatabase } from '../identity-database.ts'
import type { Authority } from './directory.ts'
import { type Binding, effectiveRoles, placedRoles } from './effective-roles.ts'
import { EVERYWHERE, parsePlace } from './role-name.ts'

/** Tokens carry them. A user with more has a role that should be given further up. */
export const PLACED_ROLES_MAX = 100

/** Everything that decides what one user may, in one statement and so of one moment. */
const SQL = `
  with recursive member as (
    select group_id from identity.group_member where tenant = $1 and subject = $2
  ), held as (
    select role, place, effect from identity.role_binding where tenant = $1
      and (subject = $2 or group_id in (select group_id from member))
  ), reached (role) as (
    select role from held
    union select unnest(a.roles) from identity.account a where a.tenant = $1 and a.subject = $2
    union select i.junior from reached r join identity.role_includes i
      on i.tenant = $1 and i.senior = r.role
  )
  select a.roles, a.scopes,
    (select coalesce(json_agg(json_build_object('role', role, 'place', place, 'effect', effect)),
      '[]') from held) as bindings,
    (select coalesce(json_agg(json_build_array(i.senior, i.junior)), '[]')
      from identity.role_includes i where i.tenant = $1
        and i.senior in (select role from reached)) as includes,
    (select coalesce(json_agg(json_build_array(r.name, r.scopes)), '[]')
      from identity.role r where r.tenant = $1
        and r.name in (select role from reached)) as role_scopes
  from identity.account a join identity.realm on realm.tenant = a.tenant and realm.open
  where a.tenant = $1 and a.subject = $2 and a.active`

interface AuthorityRow {
  readonly roles: readonly string[]
  readonly scopes: readonly string[]
  readonly bindings: readonly {
    readonly role: string
    readonly place: string
    readonly effect: Binding['effect']
  }[]
  readonly includes: readonly (readonly [senior: string, junior: string])[]
  readonly role_scopes: readonly (readonly [role: string, scopes: readonly string[]])[]
}

/**
 * What a user may now. Undefined when there is no such user, or it is not active, or its realm is
 * closed.
 * @throws RingfenceError `too_large` when more differs by place than a token can carry
 */
export async function readAuthority(
  database: IdentityDatabase,
  tenant: TenantId,
  subject: Subject,
): Promise<Authority | undefined> {
  const [row] = await database.query<AuthorityRow>(SQL, [tenant, subject])
  if (row === undefined) return undefined
  const bindings: Binding[] = [
    ...row.roles.map((role) => ({ role, place: EVERYWHERE, effect: 'grant' as const })),
    ...row.bindings.map(({ role, place, effect }) => ({ role, place: parsePlace(place), effect })),
  ]
  const includes = new Map<string, string[]>()
  for (const [senior, junior] of row.includes) {
    includes.set(senior, [...(includes.get(senior) ?? []), junior])
  }
  const roles = effectiveRoles(bindings, includes, EVERYWHERE)
  const placed = placedRoles(bindings, includes)
  if (placed.length > PLACED_ROLES_MAX) {
    throw new RingfenceError('too_large', 'the user has more roles by place than a token can carry')
  }
  const scopes = row.role_scopes.filter(([role]) => roles.has(role)).flatMap(([, all]) => all)
  return {
    roles: [...roles].sort(),
    scopes: [...new Set([...row.scopes, ...scopes])].sort(),
    placedRoles: placed,
  }
}
