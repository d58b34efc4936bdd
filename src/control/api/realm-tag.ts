import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { RealmOperation } from '../../administration/operation.ts'
import type { TenantView } from '../control-plane.ts'

const versioned = z.looseObject({
  id: z.string().optional(),
  created_at: z.string().optional(),
  revision: z.number(),
})

/** The revision that an answer is of. */
export function revisionOf(answer: unknown): number {
  return versioned.parse(answer).revision
}

/**
 * The strong entity tag of something in a realm. It is bound to the tenant, to its life and to the
 * thing's own, so that what another one was, or an earlier one of the same name, never matches.
 */
export function realmTag(
  tenant: Pick<TenantView, 'id' | 'createdAt'>,
  { tag }: Pick<RealmOperation, 'tag'>,
  answer: unknown,
): string {
  const { id = '', created_at = '', revision } = versioned.parse(answer)
  const text = JSON.stringify([
    ...[tenant.id, tenant.createdAt.getTime()],
    ...[tag, id, created_at, revision],
  ])
  return `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`
}
