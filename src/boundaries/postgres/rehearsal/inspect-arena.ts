import type { Finding } from '../../../core/finding.ts'
import {
  inOrder,
  inspectCluster,
  inspectDatabase,
  type InspectOptions,
} from '../inspect/inspect.ts'
import { inspectAcross } from '../inspect/inspect-across.ts'
import { judgeServer } from '../inspect/judge-server.ts'
import type { Arena } from './arena.ts'
import type { Side } from './side.ts'
import { onePerDatabase } from './copies.ts'
import { GROUND } from './ground.ts'

const OPTIONS: InspectOptions = { throwAway: true, alsoInstalled: [GROUND] }

/**
 * Findings of a rehearsal: of each of its databases, and once of each server. Objects are named by
 * tenant and never by database, so that those of a copy are the original's.
 */
export async function inspectArena(arena: Arena): Promise<readonly Finding[]> {
  const servers = new Map(arena.sides.map((side) => [side.site, side]))
  const across = await inspectAcross([...servers.keys()])
  const found = await Promise.all([
    ...onePerDatabase(arena.sides).map(async (side) => {
      const visitors = arena.tier === 'pooled' ? { pooled: true } : visitorsOf(arena, side)
      const findings = await inspectDatabase(side.site, side.database, OPTIONS, visitors)
      return { side, findings: named(findings, arena.tier === 'pooled' ? undefined : side) }
    }),
    ...[...servers.values()].map(async (side) => {
      const findings = await inspectCluster(side.site, OPTIONS)
      return { side, findings: named(findings, arena.tier === 'silo' ? side : undefined) }
    }),
  ])
  const judgements = [...servers.values()].flatMap((server) => {
    const there = found.filter(({ side }) => side.site === server.site)
    const { serverVersion } = server.site.cluster
    const findings = judgeServer(
      serverVersion,
      there.flatMap(({ findings }) => findings),
    )
    return named(findings, arena.tier === 'silo' ? server : undefined)
  })
  return inOrder([...found.flatMap(({ findings }) => findings), ...judgements, ...across])
}

/** A silo's database is the one that pooled tenants would have, were there any. */
function visitorsOf(arena: Arena, side: Side) {
  return { pooled: arena.tier === 'silo', keys: [side.key] }
}

function named(findings: readonly Finding[], side: Side | undefined): readonly Finding[] {
  return side === undefined
    ? findings
    : findings.map((finding) => ({ ...finding, object: `${side.tenant}: ${finding.object}` }))
}
