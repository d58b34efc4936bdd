import type { Scene } from '../strikes/scene.ts'
import { StagedRehearsal } from '../strikes/staged-rehearsal.ts'
import { Wire } from '../strikes/wire.ts'
import { CONTEXT_HEADER } from '../tokens/tenant-context.ts'
import { FRONT_DOOR_ATTACKS } from './attacks/attacks.ts'
import { Duel } from './duel.ts'
import { contextFor } from './house/claims.ts'
import { Door } from './house/door.ts'
import type { Ground } from './house/ground.ts'
import { type House, openHouse } from './house/house.ts'
import type { Party } from './house/party.ts'
import type { Pieces } from './house/pieces.ts'
import { inspectDoor } from './inspect/inspect-door.ts'
import { FRONT_DOOR_MUTANTS } from './mutants/mutants.ts'

type FrontDoorScene = Scene<Party, Duel, Pieces, House>
export type FrontDoorRehearsal = StagedRehearsal<Party, Duel, Pieces, House>

/** A front door with services behind it, put together from `pieces`, and copies with worse ones. */
export async function openFrontDoorRehearsal(
  ground: Ground,
  pieces: Pieces,
): Promise<FrontDoorRehearsal> {
  const repertoire = { attacks: FRONT_DOOR_ATTACKS, mutants: FRONT_DOOR_MUTANTS }
  return new StagedRehearsal(repertoire, await openScene(ground, pieces))
}

async function openScene(ground: Ground, pieces: Pieces): Promise<FrontDoorScene> {
  const house = await openHouse(ground, pieces)
  try {
    return sceneOf(house, await Door.open(house))
  } catch (error) {
    await house.close()
    throw error
  }
}

function sceneOf(house: House, door: Door): FrontDoorScene {
  const { ground, pieces } = house
  return {
    parties: ground.parties,
    pieces,
    inside: house,
    // Asks the services and the ledger themselves, past the front door.
    showsCanariesOf: async (party) =>
      (await recordSeen(house, party)) && (await leaseSeen(door, party)),
    duel: (attacker, victim) =>
      new Duel(door, attacker, victim, (options) => Door.open(house, options)),
    inspect: () => inspectDoor(door),
    copy: (others) => openScene(ground, others),
    async close() {
      await door.stop()
      await house.close()
    },
  }
}

async function recordSeen({ ground, upstream }: House, party: Party): Promise<boolean> {
  const { hostname, port } = new URL(upstream.url)
  const token = await contextFor(ground, party)
  const { body } = await new Wire().ask(
    { host: hostname, port: Number(port) },
    {
      target: '/clinic/records/canary',
      headers: [
        ['Host', 'clinic'],
        [CONTEXT_HEADER, token],
      ],
    },
  )
  return body.includes(party.recordCanary)
}

async function leaseSeen({ ledger }: Door, { tenant, leaseCanary }: Party): Promise<boolean> {
  const lease = await ledger.lease(tenant, { scope: 'read', holder: 'administrator' })
  await ledger.revoke(tenant, lease.lease_id)
  return JSON.stringify(lease.credential).includes(leaseCanary)
}
