import { randomUUID } from 'node:crypto'
import type { Door, DoorOptions } from './house/door.ts'
import type { Ground } from './house/ground.ts'
import type { House } from './house/house.ts'
import type { Party } from './house/party.ts'
import { StagedDuel } from '../strikes/staged-duel.ts'

/** Attacker and victim of one strike, and all that is made for it and closed afterwards. */
export class Duel extends StagedDuel<Party> {
  readonly door: Door
  /** By which the services know what the attacker sent. */
  readonly mark = randomUUID()
  readonly ownMark = randomUUID()
  /** Ids of leases that the victim itself has taken. */
  readonly kept = new Set<string>()
  readonly #doors: Door[] = []
  readonly #openDoor: (options: DoorOptions) => Promise<Door>

  constructor(
    door: Door,
    attacker: Party,
    victim: Party,
    openDoor: (options: DoorOptions) => Promise<Door>,
  ) {
    super(attacker, victim)
    this.door = door
    this.#openDoor = openDoor
  }

  get house(): House {
    return this.door.house
  }

  get ground(): Ground {
    return this.door.house.ground
  }

  /** A front door for this strike alone, in front of the same services. */
  async branch(options: DoorOptions): Promise<Door> {
    const door = await this.#openDoor(options)
    this.#doors.push(door)
    return door
  }

  /** Leases of a tenant, at whatever front door of this strike, that would open something now. */
  leasesOf({ tenant }: Party): ReadonlySet<string> {
    const doors = [this.door, ...this.#doors]
    return new Set(doors.flatMap(({ ledger }) => ledger.live(tenant).map((one) => one.lease_id)))
  }

  get #others(): readonly Party[] {
    const { parties, suspended } = this.ground
    return [...parties, suspended].filter((party) => party !== this.attacker)
  }

  protected canariesOfOthers(): readonly string[] {
    return this.#others.flatMap(({ recordCanary, leaseCanary }) => [recordCanary, leaseCanary])
  }

  async watch(): Promise<() => Promise<readonly string[]>> {
    const look = () =>
      this.#others.map((party) => ({
        record: this.house.upstream.record(party.tenant).length,
        leases: this.leasesOf(party),
      }))
    const before = look()
    return async () =>
      look().flatMap((after, index) => {
        const { record, leases } = before[index] ?? { record: 0, leases: new Set<string>() }
        const ended = [...leases].some((lease) => !after.leases.has(lease))
        const opened = [...after.leases].some(
          (lease) => !leases.has(lease) && !this.kept.has(lease),
        )
        return [
          ...(record === after.record ? [] : ["another tenant's record changed"]),
          ...(ended ? ["another tenant's lease ended"] : []),
          ...(opened ? ["another tenant's lease was opened"] : []),
        ]
      })
  }

  /** True when something of the attacker's came through to a service. */
  get reached(): boolean {
    return this.house.upstream.received(this.mark).length > 0
  }

  override async close(): Promise<void> {
    await super.close()
    this.house.upstream.release()
    for (const door of this.#doors) await door.stop()
  }
}
