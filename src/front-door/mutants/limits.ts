import type { GatewayCheck, GatewayMemory } from '../../gateway/check.ts'
import { Denial } from '../../gateway/denial.ts'
import type { Exchange } from '../../gateway/exchange.ts'
import { valuesOf } from '../../gateway/headers.ts'
import { Limiter } from '../../limits/limiter.ts'
import { type FrontDoorMutant, mutant, replaced } from './front-door-mutant.ts'

/** The gateway's own check, and what a careless change makes of it. */
function changed(
  id: string,
  title: string,
  noticedBy: readonly string[],
  name: string,
  change: (sound: GatewayCheck) => GatewayCheck['run'],
): FrontDoorMutant {
  return mutant(id, title, noticedBy, ({ gatewayChecks }) => {
    const sound = gatewayChecks.find((check) => check.name === name)
    if (sound === undefined) throw new TypeError(`no check ${name}`)
    return { gatewayChecks: replaced(gatewayChecks, { name, run: change(sound) }) }
  })
}

/** Counts each user's requests once more, under a key of another form. */
function alsoCounted(keyOf: (exchange: Exchange) => string) {
  return (sound: GatewayCheck): GatewayCheck['run'] => {
    const counted = new Map<string, number>()
    return (exchange, memory) => {
      for (const limit of exchange.plan?.limits ?? []) {
        if (limit.kind !== 'rate' || limit.per !== 'user') continue
        const key = keyOf(exchange)
        const count = (counted.get(key) ?? 0) + 1
        counted.set(key, count)
        if (count > limit.requests) throw new Denial('rate_limited', 'wait', 'too many')
      }
      return sound.run(exchange, memory)
    }
  }
}

/** A limiter for each kind of request, as if they were not requests of the same caller. */
function limiterFor(kindOf: (exchange: Exchange) => string) {
  return (sound: GatewayCheck): GatewayCheck['run'] => {
    const limiters = new Map<string, Limiter>()
    return (exchange, memory) => {
      const kind = kindOf(exchange)
      const limiter = limiters.get(kind) ?? new Limiter(ROOM)
      limiters.set(kind, limiter)
      return sound.run(exchange, { ...memory, limiting: { ...memory.limiting, limiter } })
    }
  }
}
const ROOM = { max: 1_000, maxPerTenant: 1_000, leastPerTenant: 1_000 }

/** Whoever is before others is before others. */
function inOrder(): GatewayCheck['run'] {
  const waiting: (() => void)[] = []
  let inside = 0
  return async ({ onEnd }: Exchange, { limiting }: GatewayMemory) => {
    const { seats } = limiting.admission
    if (inside >= seats) {
      await new Promise<void>((resolve) => {
        waiting.push(resolve)
        setTimeout(resolve, WAITING_MS)
      })
      if (inside >= seats) throw new Denial('overloaded', 'wait', 'no seat')
    }
    inside += 1
    onEnd.push(() => {
      inside -= 1
      waiting.shift()?.()
    })
  }
}
const WAITING_MS = 100

/** Limits that count under another key than they should, or in another place. */
export const LIMIT_MUTANTS: readonly FrontDoorMutant[] = [
  changed(
    'fd-limit-by-user-alone',
    "Users counted by their names, which two tenants' realms may both have",
    ['fd-limit-namesake'],
    'rate',
    alsoCounted(({ claimed }) => claimed?.subject ?? ''),
  ),
  changed(
    'fd-limit-key-joined',
    'Keys of limits joined by what names may have in them',
    ['fd-limit-joined'],
    'rate',
    alsoCounted(({ tenant, claimed }) => `${tenant?.id}-${claimed?.subject}`),
  ),
  changed(
    'fd-limit-by-forwarded',
    'The address of a caller taken from a field that it may set',
    ['fd-limit-address'],
    'rate',
    (sound) => (exchange, memory) => {
      const [forwarded] = valuesOf(exchange.incoming, 'x-forwarded-for')
      const address = forwarded ?? exchange.head.address
      return sound.run({ ...exchange, head: { ...exchange.head, address } }, memory)
    },
  ),
  changed(
    'fd-limit-by-method',
    'Requests counted for each method apart',
    ['fd-limit-methods'],
    'rate',
    limiterFor(({ head }) => head.method),
  ),
  changed(
    'fd-admission-in-order',
    'Requests let in in the order in which they come, whosever they are',
    ['fd-limit-queue'],
    'admission',
    inOrder,
  ),
]
