import type { Attack, Mutant, Rehearsal, Strike } from '../boundaries/boundary.ts'
import type { Finding } from '../core/finding.ts'
import type { TenantId } from '../core/tenant.ts'
import { FRONT_DOOR_ATTACKS } from './attacks/attacks.ts'
import { contextFor } from './house/claims.ts'
import { Duel } from './duel.ts'
import { Door } from './house/door.ts'
import type { Ground } from './house/ground.ts'
import { type House, openHouse } from './house/house.ts'
import type { Party } from './house/party.ts'
import type { Pieces } from './house/pieces.ts'
import { Wire } from '../strikes/wire.ts'
import { CONTEXT_HEADER } from '../tokens/tenant-context.ts'
import { inspectDoor } from './inspect/inspect-door.ts'
import { FRONT_DOOR_MUTANTS } from './mutants/mutants.ts'
import { judgeStrike } from '../strikes/judge-strike.ts'

/** A front door with services behind it, put together from `pieces`, and copies with worse ones. */
export class FrontDoorRehearsal implements Rehearsal {
  readonly tier = 'pooled'
  readonly tenants: readonly TenantId[]
  readonly #house: House
  readonly #door: Door
  /** Strikes follow each other: each looks at what all others have before and after it. */
  #last: Promise<unknown> = Promise.resolve()

  private constructor(house: House, door: Door) {
    this.#house = house
    this.#door = door
    this.tenants = house.ground.parties.map(({ tenant }) => tenant)
  }

  static async open(ground: Ground, pieces: Pieces): Promise<FrontDoorRehearsal> {
    const house = await openHouse(ground, pieces)
    try {
      return new FrontDoorRehearsal(house, await Door.open(house))
    } catch (error) {
      await house.close()
      throw error
    }
  }

  /** Asks the services and the ledger themselves, past the front door. */
  async canariesSeen(): Promise<readonly TenantId[]> {
    const seen = await Promise.all(
      this.#house.ground.parties.map(async (party) => {
        const both = (await this.#recordSeen(party)) && (await this.#leaseSeen(party))
        return both ? [party.tenant] : []
      }),
    )
    return seen.flat()
  }

  async #recordSeen(party: Party): Promise<boolean> {
    const { ground, upstream } = this.#house
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

  async #leaseSeen({ tenant, leaseCanary }: Party): Promise<boolean> {
    const { ledger } = this.#door
    const lease = await ledger.lease(tenant, { scope: 'read', holder: 'administrator' })
    await ledger.revoke(tenant, lease.lease_id)
    return JSON.stringify(lease.credential).includes(leaseCanary)
  }

  async strike(attack: Attack, attacker: TenantId, victim: TenantId): Promise<Strike> {
    const found = FRONT_DOOR_ATTACKS.find(({ id }) => id === attack.id)
    if (found === undefined) throw new Error(`no attack ${attack.id}`)
    const open = (options: Parameters<typeof Door.open>[1]) => Door.open(this.#house, options)
    const next = this.#last.then(() =>
      judgeStrike(found, new Duel(this.#door, this.#party(attacker), this.#party(victim), open)),
    )
    this.#last = next.catch(() => undefined)
    return next
  }

  #party(tenant: TenantId): Party {
    const party = this.#house.ground.parties.find((one) => one.tenant === tenant)
    if (party === undefined) throw new Error(`no tenant ${tenant}`)
    return party
  }

  async inspect(): Promise<readonly Finding[]> {
    return inspectDoor(this.#door)
  }

  async weaken(mutant: Mutant): Promise<Rehearsal> {
    const found = FRONT_DOOR_MUTANTS.find(({ id }) => id === mutant.id)
    if (found === undefined) throw new Error(`no mutant ${mutant.id}`)
    const { ground, pieces } = this.#house
    return FrontDoorRehearsal.open(ground, found.weaken(pieces))
  }

  async close(): Promise<void> {
    await this.#last
    await this.#door.stop()
    await this.#house.close()
  }
}
