import type { GrantId, Subject } from '../core/names.ts'
import type { TenantId } from '../core/tenant.ts'
import type { GrantConfig } from './grant.ts'

/** Under what somebody claims to act. */
export interface ClaimedGrant {
  readonly grant: GrantId
  readonly grantee: TenantId
  /** In the grantee's realm. */
  readonly subject: Subject | undefined
}

/**
 * The grant of a tenant under which somebody acts: there, for exactly this principal, and in its time.
 * @param now milliseconds since 1970
 */
export function standingGrant(
  grants: readonly GrantConfig[] | undefined,
  { grant, grantee, subject }: ClaimedGrant,
  now: number,
): GrantConfig | undefined {
  const found = grants?.find(({ id }) => id === grant)
  if (found === undefined || found.grantee !== grantee || found.subject !== subject) {
    return undefined
  }
  return isInTime(found, now) ? found : undefined
}

export function isInTime(
  { notBefore, expires }: Pick<GrantConfig, 'notBefore' | 'expires'>,
  now: number,
): boolean {
  return Date.parse(notBefore) <= now && now < Date.parse(expires)
}

/**
 * Whether a grant names an action: itself, or one that it is part of, `GET` of `read`.
 * @param actions names, from the action itself upwards
 */
export function coversAction({ actions }: GrantConfig, asked: readonly string[]): boolean {
  return asked.some((name) => actions.includes(name))
}

/**
 * Whether a grant names a path inside an API: as `/patients`, which is also what lies below it, in
 * whole segments. `/` is everything.
 */
export function coversPath({ resources }: GrantConfig, path: string): boolean {
  return resources.some((resource) => {
    if (!resource.startsWith('/')) return false
    const root = resource.replace(/\/$/, '')
    return path === root || path.startsWith(`${root}/`)
  })
}

/**
 * Whether a grant names anything that a template of an API's document stands for: `/patients/{id}`, where
 * it names `/patients`, or one of them. Which one is called is another question.
 */
export function coversSome({ resources }: GrantConfig, template: string): boolean {
  const parts = template.split('/')
  return resources.some((resource) => {
    if (!resource.startsWith('/')) return false
    const named = resource.replace(/\/$/, '').split('/')
    return named.every((part, index) => parts[index] === part || parts[index]?.includes('{'))
  })
}

/**
 * Whether a grant names something of a service's own: `Clinic::Record/7`, or `Clinic::Record/*` for all
 * of its type.
 */
export function coversThing(
  { resources }: GrantConfig,
  { type, id }: { readonly type: string; readonly id: string },
): boolean {
  return (id !== '*' && resources.includes(`${type}/${id}`)) || resources.includes(`${type}/*`)
}
