import type { TenantId } from '../core/tenant.ts'
import type { Scene } from '../strikes/scene.ts'
import { StagedRehearsal } from '../strikes/staged-rehearsal.ts'
import { Wire } from '../strikes/wire.ts'
import { REALM_ATTACKS } from './attacks/attacks.ts'
import { Duel } from './duel.ts'
import { furnish } from './house/furnish.ts'
import { makeGround } from './house/ground.ts'
import type { Party } from './house/party.ts'
import { type Pieces, SOUND } from './house/pieces.ts'
import { Plane } from './house/plane.ts'
import { openSite, type Site } from './house/site.ts'
import { inspectRealms } from './inspect/inspect-realms.ts'
import { REALM_MUTANTS } from './mutants/mutants.ts'

export type RealmRehearsal = StagedRehearsal<Party, Duel, Pieces, Plane>

/** Realms on an identity plane of their own, and copies of it with worse pieces on the same database. */
export async function openRealmRehearsal(tenants: readonly TenantId[]): Promise<RealmRehearsal> {
  const site: Site = {
    ...(await openSite(await makeGround(tenants))),
    furniture: new Map(),
  }
  try {
    const plane = await openFurnished(site)
    const scene = sceneOf(plane, async () => {
      await plane.close()
      await site.close()
    })
    return new StagedRehearsal({ attacks: REALM_ATTACKS, mutants: REALM_MUTANTS }, scene)
  } catch (error) {
    await site.close()
    throw error
  }
}

async function openFurnished(site: Site): Promise<Plane> {
  const plane = await Plane.open(site, SOUND)
  try {
    site.furniture = await furnish(plane, site.ground.parties)
    return plane
  } catch (error) {
    await plane.close()
    throw error
  }
}

function sceneOf(plane: Plane, close: () => Promise<void>): Scene<Party, Duel, Pieces, Plane> {
  const { site } = plane
  return {
    parties: site.ground.parties,
    pieces: SOUND,
    inside: plane,
    showsCanariesOf: (party) => showsCanariesOf(plane, party),
    duel: (attacker, victim) => new Duel(plane, attacker, victim),
    inspect: () => inspectRealms(plane),
    async copy(pieces) {
      const other = await Plane.open(site, pieces)
      return sceneOf(other, () => other.close())
    },
    close,
  }
}

/** Asks the realm, with its own token for provisioning. */
async function showsCanariesOf(plane: Plane, party: Party): Promise<boolean> {
  const { tenant, issuer, nameCanary, mailCanary, groupCanary } = party
  const token = plane.site.furniture.get(tenant)?.scimToken ?? ''
  const headers = [['Authorization', `Bearer ${token}`] as const]
  const wire = new Wire()
  await plane.ask(wire, 'GET', `${issuer}/scim/v2/Users`, { headers })
  await plane.ask(wire, 'GET', `${issuer}/scim/v2/Groups`, { headers })
  return [nameCanary, mailCanary, groupCanary].every((canary) => wire.hasSeen(canary))
}
