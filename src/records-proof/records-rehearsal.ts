import type { TenantId } from '../core/tenant.ts'
import type { Scene } from '../strikes/scene.ts'
import { StagedRehearsal } from '../strikes/staged-rehearsal.ts'
import { Wire } from '../strikes/wire.ts'
import { CONTEXT_HEADER, signContext } from '../tokens/tenant-context.ts'
import { RECORDS_ATTACKS } from './attacks/attacks.ts'
import { CANARIES_AT } from './attacks/reads.ts'
import { contextFor, Duel } from './duel.ts'
import { furnish } from './house/furnish.ts'
import { makeGround } from './house/ground.ts'
import { canariesOf, type Party } from './house/party.ts'
import { type Pieces, SOUND } from './house/pieces.ts'
import { Plane } from './house/plane.ts'
import { openSite, type Site } from './house/site.ts'
import { inspectRights } from './inspect/inspect-rights.ts'
import { RECORDS_MUTANTS } from './mutants/mutants.ts'

export type RecordsRehearsal = StagedRehearsal<Party, Duel, Pieces, Site>

/** A records plane with logs, usage and bills of tenants, and copies of it with worse pieces on the same database. */
export async function openRecordsRehearsal(
  tenants: readonly TenantId[],
): Promise<RecordsRehearsal> {
  const site = await openSite(await makeGround(tenants))
  try {
    await furnish(site)
    const plane = await Plane.open(site)
    const scene = sceneOf(plane, async () => {
      await plane.close()
      await site.close()
    })
    return new StagedRehearsal({ attacks: RECORDS_ATTACKS, mutants: RECORDS_MUTANTS }, scene)
  } catch (error) {
    await site.close()
    throw error
  }
}

function sceneOf(plane: Plane, close: () => Promise<void>): Scene<Party, Duel, Pieces, Site> {
  const { site } = plane
  return {
    parties: site.ground.parties,
    pieces: SOUND,
    inside: site,
    showsCanariesOf: (party) => showsCanariesOf(plane, party),
    duel: (attacker, victim) => new Duel(plane, attacker, victim),
    inspect: () => inspectRights(site.admin),
    async copy(pieces) {
      const other = await Plane.compose(site, pieces)
      return sceneOf(other, () => other.close())
    },
    close,
  }
}

/** Asks the plane in the place of the tenant's own administrator. */
async function showsCanariesOf(plane: Plane, party: Party): Promise<boolean> {
  const wire = new Wire()
  const { keys } = plane.site.ground
  const context = await signContext(keys.contexts, contextFor(party.tenant), 60)
  for (const target of CANARIES_AT) {
    const headers = [[CONTEXT_HEADER, context] as const]
    await plane.ask(wire, 'tenants', { target, headers })
  }
  return canariesOf(party).every((canary) => wire.hasSeen(canary))
}
