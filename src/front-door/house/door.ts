import { join } from 'node:path'
import { RingfenceError } from '../../core/errors.ts'
import type { GatewayLimits } from '../../gateway/limits.ts'
import type { OpenGatewayOptions } from '../../gateway/open-gateway.ts'
import { listen, type Listening } from '../../http/listen.ts'
import type { Revocation } from '../../revocation/revocation.ts'
import type { Configuration } from '../../snapshot/snapshot.ts'
import type { UpstreamGuardOptions } from '../../upstreams/upstream-guard.ts'
import type { Check } from '../../vending/checks.ts'
import { openVending, type Vending, type VendingOptions } from '../../vending/vending.ts'
import { type Beside, openDecisions, openQuestions } from './beside.ts'
import { deaf, firstFeed, openRevocations } from './door-parts.ts'
import type { Feed } from './feed.ts'
import { PLATFORM_HOST, VENDING_AUDIENCE } from './ground.ts'
import type { House } from './house.ts'
import { Ledger } from './ledger.ts'
import type { Follower, Pieces, RevocationKeeper } from './pieces.ts'
import type { RevocationBook } from './revocation-book.ts'
import { CELL, type Settings } from './settings.ts'
import type { Address } from '../../strikes/wire.ts'
import { worksFor } from './work-done.ts'

/** Milliseconds after which something that never comes to hold is given up. */
const WAITING_MS = 20_000

export interface DoorOptions {
  /** What the first record says. Default: the house's. */
  readonly settings?: Settings
  /** When the first record was issued. Default: now. */
  readonly issuedAt?: Date
  /** The control database, with whatever is in it. Default: one with a first record. */
  readonly feed?: Feed
  /**
   * When it was last known that no revocation was missed, of a door that cannot know it now. Default:
   * now, and it goes on.
   */
  readonly revocationsHeardAt?: Date
  /** Where another door has kept its files, for one that takes its place. Default: a new one. */
  readonly directory?: string
  readonly gatewayLimits?: Partial<GatewayLimits>
  /** Where the gateway enters what it decides. Default: nowhere. */
  readonly audit?: OpenGatewayOptions['audit']
  /** What the gateway records of its requests. Default: nothing. */
  readonly telemetry?: OpenGatewayOptions['telemetry']
  /** How the gateway stands on its network. Default: without TLS, and without proxies before it. */
  readonly edge?: Pick<OpenGatewayOptions, 'certificates' | 'trustedProxies'>
  /** Where tenants' own upstreams may be, and what their names mean. Default: on the internet. */
  readonly ownUpstreams?: UpstreamGuardOptions
  readonly vendingLimits?: Partial<Pick<VendingOptions, 'workloadPerMinute' | 'atOnce'>>
  /** Told of each request that passed all of vending's checks. */
  readonly onChecked?: () => void
}

interface VendingProcess {
  readonly vending: Vending
  readonly listening: Listening
}

/**
 * One front door that runs: a follower of a signed configuration, and on it the gateway and vending,
 * each opened when it is first needed.
 */
export class Door {
  readonly house: House
  readonly feed: Feed
  readonly directory: string
  /** Stands where the cell stands that vending gets leases from. */
  readonly ledger: Ledger
  /** What was revoked. */
  readonly book: RevocationBook
  /** What the follower refused, and what it could not do. */
  readonly troubles: RingfenceError[]
  /** Where vending keeps its journal; empty before it was opened. */
  journalDirectory = ''
  readonly #options: DoorOptions
  readonly #source: Follower
  readonly #revocations: RevocationKeeper
  /** How often the follower took something. */
  news = 0
  /** The newest version that it took, whether or not that is recent enough to serve from. */
  #announced = 0
  #gateway: ReturnType<Pieces['openGateway']> | undefined
  #vending: Promise<VendingProcess> | undefined
  #decisions: Promise<Beside> | undefined
  #questions: Promise<Beside> | undefined
  #starts = 0

  private constructor(
    house: House,
    options: DoorOptions,
    parts: Pick<Door, 'feed' | 'directory' | 'troubles' | 'book'> & {
      readonly source: Follower
      readonly revocations: RevocationKeeper
    },
  ) {
    this.house = house
    this.feed = parts.feed
    this.directory = parts.directory
    this.troubles = parts.troubles
    this.ledger = new Ledger(house.ground)
    this.#options = options
    this.#source = parts.source
    this.#revocations = parts.revocations
    this.book = parts.book
    this.#source.onChange((_, now) => {
      this.news += 1
      this.#announced = now.version
    })
  }

  /** On return the follower has taken what is in the feed, or has refused it. */
  static async open(house: House, options: DoorOptions = {}): Promise<Door> {
    const { pieces, ground } = house
    const feed = options.feed ?? (await firstFeed(house, options))
    const directory = options.directory ?? house.room()
    const troubles: RingfenceError[] = []
    const following = {
      directory: join(directory, 'configuration'),
      keys: [ground.keys.record.publicJwk],
      database: feed.store,
      onTrouble: (error: RingfenceError) => troubles.push(error),
      ...pieces.following,
    }
    const { book, revocations } = await openRevocations(house, options, directory)
    const source = await pieces.follow(following, ground)
    const parts = { feed, directory, troubles, source, book, revocations }
    const door = new Door(house, options, parts)
    const { version } = await feed.head()
    await door.until(() => door.#hasTaken(version) || troubles.length > 0)
    await door.until(() => book.away || revocations.known)
    return door
  }

  /** Where the follower keeps what it knows. */
  get configurationDirectory(): string {
    return join(this.directory, 'configuration')
  }

  /** The configuration in force. @throws RingfenceError `snapshot_stale` */
  current(): Configuration {
    return this.#source.current()
  }

  /** Version in force; 0 when nobody is served. */
  get version(): number {
    try {
      return this.current().version
    } catch {
      return 0
    }
  }

  #hasTaken(version: number): boolean {
    return this.version >= version || this.#announced >= version
  }

  /**
   * Waits until the follower has taken the version that `act` puts into the feed, or refused it.
   * Returns whether that version is in force.
   */
  async sees(act: () => Promise<number> | number): Promise<boolean> {
    const refusals = this.troubles.length
    const version = await act()
    await this.until(() => this.#hasTaken(version) || this.troubles.length > refusals)
    return this.version >= version
  }

  /** On return all that can know of it knows that something was revoked. */
  async revokes(revocation: Revocation): Promise<void> {
    this.book.enter(revocation)
    await this.until(() => this.book.wasRead)
    // What was read is taken in before anybody else's turn.
    await new Promise((resolve) => setImmediate(resolve))
  }

  /** Waits until something holds. @throws Error when it never does */
  async until(holds: () => boolean): Promise<void> {
    for (const end = Date.now() + WAITING_MS; !holds(); ) {
      if (Date.now() > end) throw new Error('the front door never got there')
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }

  async gateway(): Promise<Address> {
    const { pieces, ground } = this.house
    const { audit, telemetry } = this.#options
    this.#gateway ??= worksFor(this, () =>
      pieces.openGateway({
        source: pieces.gatewayHears ? this.#source : deaf(this.#source),
        revocations: pieces.gatewayRevocations(this.#revocations),
        contextKey: ground.keys.context,
        log: () => undefined,
        hosts: [PLATFORM_HOST],
        checks: pieces.gatewayChecks,
        ...(audit === undefined ? {} : { audit }),
        ...(telemetry === undefined ? {} : { telemetry }),
        upstreamGuard: pieces.upstreamGuard(this.#options.ownUpstreams ?? {}),
        connections: pieces.connections,
        limits: { ...this.#options.gatewayLimits, ...pieces.gatewayLimits },
        listen: { host: '127.0.0.1', port: 0 },
        admin: { host: '127.0.0.1', port: 0 },
        ...this.#options.edge,
      }),
    )
    const { hostname, port } = new URL((await this.#gateway).url)
    return { host: hostname, port: Number(port) }
  }

  /** Where services ask what their callers may do. */
  async decisions(): Promise<Address> {
    const [source, revocations] = [this.#source, this.#revocations]
    const options = { configuration: () => source.current(), revocations }
    this.#decisions ??= openDecisions(this.house, options, this.directory)
    return (await this.#decisions).address
  }

  /** Where other proxies ask what may be passed on. */
  async authorizer(): Promise<Address> {
    await this.gateway()
    const { decide } = (await this.#gateway) ?? {}
    if (decide === undefined) throw new Error('this gateway decides for nobody else')
    this.#questions ??= openQuestions(this.house, decide, this.directory)
    return (await this.#questions).address
  }

  async vending(): Promise<Address> {
    this.#vending ??= this.#openVending()
    const { listening } = await this.#vending
    return { path: listening.url.slice('unix:'.length) }
  }

  async #openVending(): Promise<VendingProcess> {
    const { pieces, ground } = this.house
    const journals = join(this.directory, 'journal')
    this.journalDirectory = pieces.journalDirectory(journals, this.#starts)
    const vending = await openVending({
      audience: VENDING_AUDIENCE,
      configuration: pieces.vendingHears ? this.#source : deaf(this.#source),
      revocations: pieces.vendingRevocations(this.#revocations),
      leaserOf: (cell) => {
        if (cell === CELL) return this.ledger
        throw new RingfenceError('engine_unavailable', 'there is no such cell')
      },
      journal: { directory: this.journalDirectory },
      log: () => undefined,
      checks: [...pieces.vendingChecks, ...this.#observer()],
      ...this.#options.vendingLimits,
      ...pieces.vendingLimits,
    })
    this.#starts += 1
    pieces.afterwards(this.journalDirectory)
    const front = pieces.vendingFront((request) => vending.app.fetch(request), ground)
    const listening = await listen(front, { socket: join(this.directory, 'vending') })
    return { vending, listening }
  }

  /** Refuses nothing. */
  #observer(): readonly Check[] {
    const { onChecked } = this.#options
    if (onChecked === undefined) return []
    return [{ name: 'observer', stage: 'what', layer: 'limit', run: onChecked }]
  }

  /** Waits until vending has ended every lease that the configuration took away. */
  async settled(): Promise<void> {
    await (await this.#vending)?.vending.settled()
  }

  /** Ends vending's process, as it were, and begins another; `meanwhile` happens in between. */
  async restartVending(meanwhile?: () => Promise<void>): Promise<void> {
    await this.#closeVending()
    await meanwhile?.()
    await this.vending()
  }

  async #closeVending(): Promise<void> {
    const open = await this.#vending
    this.#vending = undefined
    await open?.listening.close()
    await open?.vending.close()
  }

  /** Ends all of its processes. What is on disk stays. */
  async stop(): Promise<void> {
    const beside = [await this.#decisions, await this.#questions]
    for (const one of beside) await one?.close()
    const gateway = await this.#gateway
    this.#gateway = undefined
    await gateway?.close()
    await this.#closeVending()
    await this.#revocations.close()
    await this.#source.close()
  }
}
