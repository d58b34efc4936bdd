import { hash } from 'node:crypto'
import type { UpstreamConfig } from '../contracts/upstream.ts'
import type { CellName } from '../core/tenant.ts'

/** Servers that the same tenants are sent to, by the name that a decision and a proxy know them by. */
export interface ServerGroup {
  readonly key: string
  /** Those of weight 0 are among them: a proxy may know them as taken out. */
  readonly servers: UpstreamConfig['servers']
}

const known = new WeakMap<UpstreamConfig, Map<CellName | undefined, ServerGroup>>()

/**
 * The servers for the tenants of a cell. The group's key holds what the servers are: a proxy whose
 * configuration is older than the one that decided does not know the key, and passes nothing on.
 * @param cell undefined for tenants of any cell that no server names
 */
export function serverGroup(config: UpstreamConfig, cell: CellName | undefined): ServerGroup {
  let groups = known.get(config)
  if (groups === undefined) {
    groups = new Map()
    known.set(config, groups)
  }
  // All other cells have one group: there may be many of them.
  const named = config.servers.some((server) => server.cell === cell) ? cell : undefined
  let group = groups.get(named)
  if (group === undefined) {
    group = groupOf(config, named)
    groups.set(named, group)
  }
  return group
}

/** Every group that a decision can name: one where no server is for a cell. Empty ones are left out. */
export function serverGroups(config: UpstreamConfig): readonly ServerGroup[] {
  const cells = new Set([undefined, ...config.servers.map(({ cell }) => cell)])
  const groups = new Map<string, ServerGroup>()
  for (const cell of cells) {
    const group = serverGroup(config, cell)
    if (group.servers.length > 0) groups.set(group.key, group)
  }
  return [...groups.values()]
}

function groupOf(
  { name, servers: all, protocol }: UpstreamConfig,
  cell: CellName | undefined,
): ServerGroup {
  const servers = all.filter((server) => server.cell === undefined || server.cell === cell)
  const said = servers.map(({ url, weight = 1 }) => [url, weight])
  const digest = hash('sha256', JSON.stringify([protocol ?? 'http/1.1', said]), 'hex')
  return { key: `${name}-${digest.slice(0, 16)}`, servers }
}
