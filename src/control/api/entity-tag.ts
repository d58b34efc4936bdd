import { createHash } from 'node:crypto'
import { RingfenceError } from '../../core/errors.ts'
import type { TenantView } from '../control-plane.ts'

/**
 * The strong entity tag of a tenant as it is now. It is bound to the tenant and to its life, so that
 * the tag of another tenant, or of an earlier one of the same name, never matches.
 */
export function tenantTag({ id, createdAt, revision }: TenantView): string {
  const text = JSON.stringify([id, createdAt.getTime(), revision])
  return `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`
}

/** Whether a condition (`If-Match`, `If-None-Match`; RFC 9110, section 13) names this tag. */
export function namesTag(condition: string, tag: string, comparison: 'strong' | 'weak'): boolean {
  if (condition.trim() === '*') return true
  return condition
    .split(',')
    .map((entry) => entry.trim())
    .some((entry) => entry === tag || (comparison === 'weak' && entry === `W/${tag}`))
}

/** @throws RingfenceError `precondition_failed` */
export function requireTag(condition: string | undefined, tenant: TenantView): void {
  if (condition === undefined || namesTag(condition, tenantTag(tenant), 'strong')) return
  throw new RingfenceError(
    'precondition_failed',
    'the tenant has changed since it was read: read it again, then repeat the change',
  )
}
