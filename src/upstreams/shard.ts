import { hash } from 'node:crypto'
import type { TenantId } from '../core/tenant.ts'

/**
 * A tenant's own servers of all those of an upstream: the `size` with the highest scores (rendezvous
 * hashing, Thaler and Ravishankar 1998). Two tenants rarely have the same ones, so that what one does
 * to its servers leaves the other some. When a server comes or goes, only those tenants change that
 * it takes a place from or gives one to.
 * @param key what of a server stays the same, its URL
 * @param size at least 1; all of them when there are not more
 */
export function shardOf<S>(
  servers: readonly S[],
  key: (server: S) => string,
  tenant: TenantId,
  size: number,
): readonly S[] {
  if (size >= servers.length) return servers
  return servers
    .map((server) => ({ server, score: scoreOf(tenant, key(server)) }))
    .toSorted((a, b) => (a.score < b.score ? 1 : -1))
    .slice(0, size)
    .map(({ server }) => server)
}

/** Neither tenant ids nor URLs hold a line break: no two pairs are hashed as one. */
function scoreOf(tenant: TenantId, key: string): string {
  return hash('sha256', `${tenant}\n${key}`, 'hex')
}
