import { TIERS } from '../../../core/tenant.ts'
import type { Mutant } from '../../boundary.ts'
import { withClient } from '../connection.ts'
import type { Arena, Side } from '../rehearsal/arena.ts'

export interface PostgresMutant extends Mutant {
  /**
   * Weakens the copy that `arena` shows. Databases are thrown away with the copy; what belongs to
   * the whole server (roles, settings) must be put back by the function that is returned.
   */
  apply(arena: Arena): Promise<Undo>
}

export type Undo = () => Promise<void>

export const NOTHING_TO_UNDO: Undo = async () => {}

/** Runs SQL as the administrator on one tenant's database, past the guard rails. */
export async function weakenBySql(side: Side, sql: string): Promise<void> {
  await withClient(side.site.admin(side.database), async (client) => {
    // A careless superuser can do the same; event triggers do not fire in this mode.
    await client.query(`set session_replication_role = replica`)
    await client.query(sql)
  })
}

/** A mutant that is SQL on each database of the copy. */
export function sqlMutant(
  facts: Pick<Mutant, 'id' | 'title'> & Partial<Pick<Mutant, 'tiers'>>,
  sql: (arena: Arena) => string,
): PostgresMutant {
  return {
    tiers: TIERS,
    ...facts,
    async apply(arena) {
      const done = new Set<string>()
      for (const side of arena.sides) {
        const place = `${side.site.cluster.admin.host}/${side.site.cluster.admin.port}/${side.database}`
        if (done.has(place)) continue
        done.add(place)
        await weakenBySql(side, sql(arena))
      }
      return NOTHING_TO_UNDO
    },
  }
}
