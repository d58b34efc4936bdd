import { messageOf } from '../core/errors.ts'
import type { TenantId } from '../core/tenant.ts'
import type { Configuration, PlatformConfig, TenantConfig } from '../snapshot/snapshot.ts'
import { ADMISSION_CHECKS } from './admission-checks.ts'
import { AUDIT_CHECKS } from './audit-checks.ts'
import type { GatewayCheck, GatewayMemory } from './check.ts'
import { Denial, unauthenticated } from './denial.ts'
import type { Endpoint } from './endpoint.ts'
import { type Exchange, readExchange } from './exchange.ts'
import { type Headers, valueOf } from './headers.ts'
import { LIMIT_CHECKS } from './limit-checks.ts'
import { PROOF_CHECKS } from './proof-checks.ts'
import type { ReadTokens } from './read-tokens.ts'
import { asksToUpgrade } from './upgrade.ts'
import { UPGRADE_SEATS } from './upgrade-checks.ts'

/**
 * What is not asked again: a proof was for the beginning, what was taken of a limit is taken, and what was
 * entered is entered.
 */
const AT_THE_BEGINNING = new Set(
  [...PROOF_CHECKS, ...LIMIT_CHECKS, ...ADMISSION_CHECKS, ...AUDIT_CHECKS, UPGRADE_SEATS].map(
    ({ name }) => name,
  ),
)

/** Longest time that a timer of Node's takes, in milliseconds. */
const TIMER_MS_MAX = 2 ** 31 - 1

/** An answer that has no end of its own. */
const ENDLESS = /^\s*(?:text\/event-stream|application\/grpc)/i

export function isEndless(answer: Headers): boolean {
  return ENDLESS.test(valueOf(answer, 'content-type') ?? '')
}

interface Entry {
  readonly exchange: Exchange
  readonly platform: PlatformConfig
  readonly tenant: TenantConfig
  readonly end: (denial: Denial) => void
  readonly timer: NodeJS.Timeout
}

export interface LastingOptions {
  readonly checks: readonly GatewayCheck[]
  readonly memory: GatewayMemory
  readonly endpoints: readonly Endpoint[]
  readonly readTokens: ReadTokens
}

/**
 * Connections and answers that last: WebSockets, event streams, gRPC. What let them in must go on to
 * hold: they end when their token does, and whenever the configuration changes they are looked at
 * again as if they came anew.
 */
export class Lasting {
  readonly #options: LastingOptions
  readonly #checks: readonly GatewayCheck[]
  readonly #open = new Map<Exchange, Entry>()

  constructor(options: LastingOptions) {
    this.#options = options
    this.#checks = options.checks.filter(({ name }) => !AT_THE_BEGINNING.has(name))
  }

  get size(): number {
    return this.#open.size
  }

  /** @param end called at most once, when it may not go on */
  enter(exchange: Exchange, end: (denial: Denial) => void): void {
    const { tenant, claimed, configuration, onEnd, onLasting } = exchange
    if (tenant === undefined || claimed === undefined || exchange.ended) return
    const left = Math.min(claimed.expiresAt.getTime() - Date.now(), TIMER_MS_MAX)
    const timer = setTimeout(() => {
      this.#open.delete(exchange)
      end(unauthenticated('its token has ended', true))
    }, left)
    timer.unref()
    const entry = { exchange, platform: configuration.platform, tenant, end, timer }
    this.#open.set(exchange, entry)
    onEnd.push(() => {
      clearTimeout(timer)
      this.#open.delete(exchange)
    })
    for (const letGo of onLasting) letGo()
    // It changed while the service was thinking: nobody will tell of that again.
    if (configuration.tenant(tenant.id) !== tenant) void this.#look(entry, configuration)
  }

  /** Ends the connections of another protocol: they have no answer that could tell their callers to go. */
  endUpgrades(): void {
    for (const { exchange, end } of this.#open.values()) {
      if (asksToUpgrade(exchange)) end(refused('the gateway takes leave'))
    }
  }

  /** Ends those that would not be let in now. */
  lookAgain(changed: readonly TenantId[], now: Configuration): void {
    if (this.#open.size === 0) return
    const tenants = new Set(changed)
    for (const entry of this.#open.values()) {
      const home = entry.exchange.claimed?.delegation?.grantee
      const concerned =
        tenants.has(entry.tenant.id) ||
        (home !== undefined && tenants.has(home)) ||
        entry.platform !== now.platform
      if (concerned) void this.#look(entry, now)
    }
  }

  async #look({ exchange, end }: Entry, now: Configuration): Promise<void> {
    const { endpoints, readTokens, memory } = this.#options
    try {
      const { head, request, requestId } = exchange
      const again = readExchange({ head, request }, requestId, now, endpoints, readTokens)
      for (const check of this.#checks) await check.run(again, memory)
      // What was let in to write is not to write while writes wait.
      if (again.scopes.length < exchange.scopes.length) throw refused('its scopes are fewer now')
      const { api, upstream } = again.route ?? {}
      const isSame =
        api?.name === exchange.route?.api.name &&
        upstream?.audience === exchange.route?.upstream.audience
      if (!isSame) throw refused('it goes somewhere else now')
    } catch (error) {
      if (!this.#open.delete(exchange)) return
      end(error instanceof Denial ? error : refused(messageOf(error)))
    }
  }
}

function refused(why: string): Denial {
  return unauthenticated(`it may not go on: ${why}`, true)
}
