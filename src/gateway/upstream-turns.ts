import type { UpstreamConfig } from '../contracts/upstream.ts'
import type { TenantId } from '../core/tenant.ts'
import { choose } from '../upstreams/choose.ts'
import { RetryBudget } from '../upstreams/retry-budget.ts'
import type { Failure, ServerState } from '../upstreams/server-state.ts'
import { serversFor } from '../upstreams/servers-for.ts'
import type { TenantConfig } from '../snapshot/snapshot.ts'
import { Denial } from './denial.ts'
import type { Http2Server, Http2Upstreams } from './http2-upstream.ts'
import type { GatewayLimits } from './limits.ts'
import { limitsOf, type Place, placeOf, type PlaceRules } from './place.ts'
import { Probes } from './probes.ts'
import type { RouteUpstream } from './route.ts'
import type { Upstreams, UpstreamServer } from './upstream.ts'

/** One of the servers that a tenant's requests may go to. */
class Target {
  readonly weight: number
  readonly place: Place
  readonly #upstreams: Upstreams
  #server: UpstreamServer

  constructor(weight: number, place: Place, upstreams: Upstreams) {
    this.weight = weight
    this.place = place
    this.#upstreams = upstreams
    this.#server = upstreams.server(place)
  }

  get server(): UpstreamServer {
    if (this.#server.isClosed) this.#server = this.#upstreams.server(this.place)
    return this.#server
  }

  get state(): ServerState {
    return this.server.state
  }
}

/** What a tenant has of an upstream: its servers, and its own budget. */
interface Share {
  readonly tenant: TenantId
  readonly targets: readonly Target[]
  readonly limits: GatewayLimits
  readonly attempts: number
  /** Undefined where a request is never with two servers at once. */
  readonly hedgeAfterMs: number | undefined
  readonly budget: RetryBudget
  readonly health: UpstreamConfig['health']
}

export interface UpstreamSharesOptions {
  readonly limits: GatewayLimits
  readonly rules: PlaceRules
  readonly upstreams: Upstreams
  readonly http2Upstreams: Http2Upstreams
}

/** What each tenant has of each upstream, made when it is first called and kept as long as its route. */
export class UpstreamShares {
  readonly #options: UpstreamSharesOptions
  readonly #probes: Probes
  /** A route's upstream is made for one tenant: no other's share can be found by it. */
  readonly #shares = new WeakMap<RouteUpstream, Share>()

  constructor(options: UpstreamSharesOptions) {
    this.#options = options
    this.#probes = new Probes(options.rules)
  }

  turns(upstream: RouteUpstream, tenant: TenantConfig): Turns {
    let share = this.#shares.get(upstream)
    if (share === undefined) this.#shares.set(upstream, (share = this.#shareOf(upstream, tenant)))
    const isHttp2 = (upstream.config.protocol ?? 'http/1.1') !== 'http/1.1'
    const { rules, http2Upstreams } = this.#options
    const http2 = isHttp2 ? http2Upstreams : undefined
    if (share.health !== undefined) {
      // Those too that get no request now: they are to be found well again.
      for (const { server } of share.targets) this.#probes.watch(server, share.health, http2)
    }
    return new Turns(share, rules, http2)
  }

  /** Lets go of all connections. */
  close(): void {
    this.#probes.close()
    this.#options.upstreams.close()
    this.#options.http2Upstreams.close()
  }

  #shareOf({ owner, config }: RouteUpstream, tenant: TenantConfig): Share {
    const { upstreams } = this.#options
    const limits = limitsOf(config, this.#options.limits)
    return {
      tenant: tenant.id,
      limits,
      attempts: config.attempts ?? 1,
      hedgeAfterMs: config.hedgeAfterMs,
      budget: new RetryBudget(),
      health: config.health,
      targets: serversFor(config, tenant).map(
        ({ url, weight = 1 }) => new Target(weight, placeOf(owner, url, limits), upstreams),
      ),
    }
  }
}

/** Where one request goes, and goes again when that fails. */
export class Turns {
  readonly #share: Share
  readonly #rules: PlaceRules
  readonly #http2: Http2Upstreams | undefined
  #current: Target | undefined
  /** Whose count it is in: a target's may be another by its end. */
  #state: ServerState | undefined
  #tried: readonly Target[] = []
  #attempts = 0

  constructor(share: Share, rules: PlaceRules, http2: Http2Upstreams | undefined) {
    this.#share = share
    this.#rules = rules
    this.#http2 = http2
  }

  get limits(): GatewayLimits {
    return this.#share.limits
  }

  /** Milliseconds that one server alone is waited for; undefined where it is waited for to the end. */
  get hedgeAfterMs(): number | undefined {
    return this.#share.hedgeAfterMs
  }

  /** To a server, by preference one that was not tried. @throws Denial when there is none */
  next(): UpstreamServer {
    this.end()
    const { targets, tenant, budget, attempts, hedgeAfterMs } = this.#share
    const target = choose(targets, tenant, this.#tried)
    if (target === undefined) {
      throw new Denial(
        'upstream_failed',
        'the service did not answer',
        targets.length === 0
          ? 'upstream: no server for this cell'
          : 'upstream: all servers are out',
        [['retry-after', '5']],
      )
    }
    this.#rules.admit(target.place)
    if (this.#attempts === 0 && (attempts > 1 || hedgeAfterMs !== undefined)) budget.sent()
    this.#attempts += 1
    this.#current = target
    const { server } = target
    this.#state = server.state
    server.state.begin(tenant)
    return server
  }

  /** Undefined where HTTP/1.1 is spoken. */
  http2Of({ place }: UpstreamServer): Http2Server | undefined {
    return this.#http2?.server(place)
  }

  /** What came of it, once. */
  judge(outcome: Failure | 'served'): void {
    this.#state?.judge(this.#share.tenant, outcome)
  }

  /** Whether one that failed may be sent again, to another server if there is one. */
  mayTryAgain(): boolean {
    const { attempts, budget } = this.#share
    if (this.#attempts >= attempts || !budget.take()) return false
    if (this.#current !== undefined) this.#tried = [...this.#tried, this.#current]
    return true
  }

  /** To another server besides. Undefined where there is none, or the budget for that is used up. */
  hedge(): HedgeTurn | undefined {
    const { targets, tenant, budget } = this.#share
    if (this.#current === undefined) return undefined
    const target = choose(targets, tenant, [this.#current])
    if (target === undefined || target === this.#current) return undefined
    this.#rules.admit(target.place)
    return budget.take() ? new HedgeTurn(target, tenant) : undefined
  }

  /** The request is with that server now, and no longer with the one before. */
  goOnWith(hedge: HedgeTurn): void {
    this.end()
    this.#current = hedge.target
    this.#state = hedge.handOver()
  }

  /** It is under way no more. */
  end(): void {
    this.#state?.end(this.#share.tenant)
    this.#state = undefined
  }
}

/** Where a request is besides. */
export class HedgeTurn {
  readonly target: Target
  readonly server: UpstreamServer
  readonly #tenant: TenantId
  #state: ServerState | undefined

  constructor(target: Target, tenant: TenantId) {
    this.target = target
    this.server = target.server
    this.#tenant = tenant
    this.#state = this.server.state
    this.#state.begin(tenant)
  }

  judge(outcome: Failure | 'served'): void {
    this.#state?.judge(this.#tenant, outcome)
  }

  /** Once: whoever takes it ends it. */
  handOver(): ServerState | undefined {
    const state = this.#state
    this.#state = undefined
    return state
  }

  end(): void {
    this.handOver()?.end(this.#tenant)
  }
}
