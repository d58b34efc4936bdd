import type { UpstreamConfig } from '../contracts/upstream.ts'
import type { TenantConfig } from '../snapshot/snapshot.ts'
import { shardOf } from './shard.ts'

export type ServerConfig = UpstreamConfig['servers'][number]

/** The servers that a tenant's requests may go to: those of its cell, in use, and of these its shard. */
export function serversFor(
  { servers, shard }: Pick<UpstreamConfig, 'servers' | 'shard'>,
  { id, cell }: Pick<TenantConfig, 'id' | 'cell'>,
): readonly ServerConfig[] {
  const own = servers.filter(
    (server) => server.weight !== 0 && (server.cell === undefined || server.cell === cell),
  )
  return shard === undefined ? own : shardOf(own, ({ url }) => url, id, shard)
}
