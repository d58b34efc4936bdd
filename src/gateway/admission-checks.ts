import { retryAfter } from '../limits/rate-limit-fields.ts'
import type { Entrant } from '../limits/fair-gate.ts'
import { weightOf } from '../limits/plan-weight.ts'
import { callerOf } from './caller-of.ts'
import type { GatewayCheck, GatewayMemory } from './check.ts'
import { Denial } from './denial.ts'
import type { Exchange } from './exchange.ts'
import { quotaDemands } from './limit-checks.ts'
import { hasBody } from './request-body.ts'

/** Whose turn it is, when there is more than can be done at once. The last thing before it goes on. */
export const ADMISSION_CHECKS: readonly GatewayCheck[] = [
  {
    name: 'admission',
    run(exchange, { limiting }) {
      const { tenant, plan, onEnd, onLasting, head } = exchange
      if (tenant === undefined) return
      const entrant = { tenant: tenant.id, weight: weightOf(plan) }
      // The request that it is made for has a seat: to wait for another would be to wait for itself.
      if (head.inner !== undefined) return toUpstream(exchange, limiting, entrant)
      const seat = limiting.admission.enter(entrant)
      const leave = () => seat.leave()
      onEnd.push(leave)
      onLasting.push(leave)
      if (seat.entry instanceof Promise) return waited(seat.entry, exchange, limiting, entrant)
      if (!seat.entry) throw shed(exchange, limiting)
      return toUpstream(exchange, limiting, entrant)
    },
  },
]

async function waited(
  entry: Promise<boolean>,
  exchange: Exchange,
  limiting: GatewayMemory['limiting'],
  entrant: Entrant,
): Promise<void> {
  if (!(await entry)) throw shed(exchange, limiting)
  if (!exchange.ended) await toUpstream(exchange, limiting, entrant)
}

function toUpstream(
  exchange: Exchange,
  limiting: GatewayMemory['limiting'],
  entrant: Entrant,
): void | Promise<void> {
  const { route, endpoint, onEnd, onAnswer, incoming } = exchange
  if (route === undefined || endpoint !== undefined) return
  const call = limiting.admission.call(entrant, route.upstream.key)
  onEnd.push(() => call.leave())
  // A body takes as long as its caller takes to send it.
  const tells = !hasBody(incoming)
  onAnswer.push((headers) => {
    call.answered(tells)
    return headers
  })
  const { entry } = call
  if (entry === true) return
  if (entry === false) throw shed(exchange, limiting)
  return entry.then((isIn) => {
    if (!isIn) throw shed(exchange, limiting)
    call.begins()
  })
}

/** Nothing was done for it: it is not counted either. */
function shed(exchange: Exchange, { limiter, random }: GatewayMemory['limiting']): Denial {
  const caller = callerOf(exchange)
  if (caller !== undefined && !exchange.ended) limiter.giveBack(caller, quotaDemands(exchange))
  return new Denial(
    'overloaded',
    'too much is asked at once: wait, and try again',
    'no place within the time that there is to wait',
    [['retry-after', String(retryAfter(0, random()))]],
  )
}
