import { limitId, type LimitKey, limitKey } from '../limits/limit-key.ts'
import type { Demand, Verdict } from '../limits/limiter.ts'
import { rateLimitFields, retryAfter } from '../limits/rate-limit-fields.ts'
import { type LimitSet, limitsOf } from '../limits/tenant-limits.ts'
import { callerOf } from './caller-of.ts'
import type { GatewayCheck, GatewayMemory } from './check.ts'
import { Denial } from './denial.ts'
import type { Exchange } from './exchange.ts'
import { valuesOf } from './headers.ts'
import { SPENT_CHECK } from './spent-check.ts'
import { Note } from './note.ts'
import { asksToUpgrade } from './upgrade.ts'

/** Of the plane itself, beside those that are written for a tenant. */
const PER_TENANT = limitId({ from: 'process' }, 'concurrency', 'tenant')

/** How much of it. Counted for tenants that have shown who they are, so that no stranger uses it up. */
export const LIMIT_CHECKS: readonly GatewayCheck[] = [
  SPENT_CHECK,
  {
    name: 'rate',
    run(exchange, { limiting }) {
      const caller = callerOf(exchange)
      if (caller === undefined || exchange.plan === undefined) {
        throw new Denial('overloaded', 'the tenant cannot be served now', 'it has no known plan')
      }
      return decided(limiting.limiter.take(caller, rateDemands(exchange)), exchange, limiting)
    },
  },
  {
    name: 'body-size',
    run(exchange, { bodyBytesMax }) {
      const [length = '0'] = valuesOf(exchange.incoming, 'content-length')
      if (Number(length) > bodyBytesMax) throw bodyTooLarge()
      // Of a body without a length, as it comes.
      exchange.bodyBytesMax = bodyBytesMax
    },
  },
  {
    name: 'concurrency',
    run(exchange, { limiting }) {
      const { limiter, concurrentPerTenant } = limiting
      const caller = callerOf(exchange)
      if (caller === undefined) return
      // The request that it is made for has a seat, which is held until this one has ended too.
      const isInner = exchange.head.inner !== undefined
      // Connections that last have a limit of their own.
      if (!isInner && !asksToUpgrade(exchange)) {
        const key = limitKey(PER_TENANT, 'tenant', caller)
        takeSeat(exchange, limiting, key, concurrentPerTenant, 'concurrency')
      }
      for (const limit of limitsOfExchange(exchange).concurrency) {
        const { id, per, label, requests, shared, ofApi } = limit
        if (isInner && !ofApi) continue
        const own = shared ? Math.max(1, Math.floor(requests / limiter.replicas)) : requests
        takeSeat(exchange, limiting, limitKey(id, per, caller), own, label)
      }
    },
  },
  {
    name: 'quota',
    run(exchange, { limiting }) {
      const { limiter } = limiting
      const { quotas } = limitsOfExchange(exchange)
      if (quotas.length === 0) return
      const caller = callerOf(exchange)
      if (caller === undefined) return
      for (const limit of quotas) {
        if (limit.unit !== 'bytes') continue
        exchange.onEnd.push(() => {
          const { request, answer } = exchange.bytes
          limiter.settle(caller, limit, request + answer)
        })
      }
      return decided(limiter.take(caller, quotaDemands(exchange)), exchange, limiting)
    },
  },
]

/** @throws Denial */
function takeSeat(
  { onEnd }: Exchange,
  limiting: GatewayMemory['limiting'],
  key: LimitKey,
  most: number,
  label: string,
): void {
  const giveBack = limiting.held.take(key, most)
  if (giveBack === undefined) throw tooManyAtOnce(label, limiting)
  onEnd.push(giveBack)
}

/** What requests under the same limits ask for is the same: it is made once. */
const demandsOfRates = new WeakMap<LimitSet, readonly Demand[]>()

function rateDemands(exchange: Exchange): readonly Demand[] {
  const limits = limitsOfExchange(exchange)
  let demands = demandsOfRates.get(limits)
  if (demands === undefined) {
    demands = limits.rates.map((limit) => ({ limit, amount: 1, least: 1 }))
    demandsOfRates.set(limits, demands)
  }
  return demands
}

interface QuotaDemands {
  readonly cost: number
  readonly demands: readonly Demand[]
}

const demandsOfQuotas = new WeakMap<LimitSet, QuotaDemands>()

/** What a request takes of each quota before it goes on. Bytes are counted as it ends. */
export function quotaDemands(exchange: Exchange): readonly Demand[] {
  const limits = limitsOfExchange(exchange)
  const { cost = 1 } = exchange.route?.api ?? {}
  const known = demandsOfQuotas.get(limits)
  // Several APIs, of which each has a cost of its own, may have the same limits.
  if (known?.cost === cost) return known.demands
  const amounts = { requests: 1, cost, bytes: 0 }
  const demands = limits.quotas.map((limit) => ({
    limit,
    amount: amounts[limit.unit],
    // Of what is used up nothing is taken, not even of bytes that nobody knows yet.
    least: limit.unit === 'bytes' ? 1 : amounts[limit.unit],
  }))
  demandsOfQuotas.set(limits, { cost, demands })
  return demands
}

const UNLIMITED: LimitSet = { rates: [], quotas: [], concurrency: [] }

const limitsKnown = new Note<LimitSet>()

function limitsOfExchange(exchange: Exchange): LimitSet {
  const known = limitsKnown.get(exchange)
  if (known !== undefined) return known
  const { configuration, tenant, route, endpoint } = exchange
  if (tenant === undefined) return UNLIMITED
  const api = endpoint === undefined ? route?.api : undefined
  const limits = limitsOf(configuration, tenant, api)
  limitsKnown.set(exchange, limits)
  return limits
}

/** @throws Denial */
function decided(
  verdict: Verdict | Promise<Verdict>,
  exchange: Exchange,
  limiting: GatewayMemory['limiting'],
): void | Promise<void> {
  if (verdict instanceof Promise) return verdict.then((one) => act(one, exchange, limiting))
  return act(verdict, exchange, limiting)
}

/** @throws Denial */
function act(
  { refused, tightest }: Verdict,
  { answer }: Exchange,
  limiting: GatewayMemory['limiting'],
) {
  if (refused === undefined) {
    if (tightest !== undefined) for (const field of rateLimitFields([tightest])) answer.push(field)
    return
  }
  throw usedUp(refused, limiting)
}

/** A limit of which there is not enough. */
export function usedUp(
  refused: NonNullable<Verdict['refused']>,
  limiting: GatewayMemory['limiting'],
): Denial {
  const { label, taken } = refused
  return new Denial(
    'rate_limited',
    `too many requests: wait. The limit is "${label}"`,
    `the limit ${label} is used up`,
    [
      ...rateLimitFields([refused]),
      ['retry-after', String(retryAfter(taken.waitMs, limiting.random()))],
    ],
  )
}

function tooManyAtOnce(label: string, { random }: GatewayMemory['limiting']): Denial {
  return new Denial(
    'rate_limited',
    `too many requests at once: wait. The limit is "${label}"`,
    `no seat: ${label}`,
    [['retry-after', String(retryAfter(0, random()))]],
  )
}

export function bodyTooLarge(): Denial {
  return new Denial('too_large', 'the body is too large', 'the body is too large')
}
