import { parseTenantId } from '../core/tenant.ts'
import { DelayControl } from './delay-control.ts'
import { FairGate } from './fair-gate.ts'
import { HandClock } from './hand-clock.test-support.ts'
import type { Place } from './place.ts'

export interface SimulatedLoad {
  /** Requests of each tenant in a second. They come at random. */
  readonly perSecond: Readonly<Record<string, number>>
  /** What the upstream does at once, in the order in which it came; milliseconds for each, by a quarter more or less. */
  readonly slots: number
  readonly serviceMs: number
  readonly seconds: number
  /** What comes before is not looked at. */
  readonly fromSeconds: number
  /** Whether there is a gate before the upstream. */
  readonly gated: boolean
  readonly random: () => number
}

/** What became of one tenant's requests. Milliseconds. */
export interface SimulatedTenant {
  readonly latencies: number[]
  refused: number
}

/**
 * An upstream of limited capacity behind a gate, in time that is reckoned and not waited for: nothing
 * else that the machine does changes what comes of it.
 */
export function simulate(load: SimulatedLoad): ReadonlyMap<string, SimulatedTenant> {
  const { random, slots, serviceMs } = load
  const clock = new HandClock()
  const control = new DelayControl({ min: 8, max: 1_024 })
  const gate = new FairGate({ seats: control.limit, queue: 64, queueMs: 1e9, clock })
  const events: { readonly at: number; readonly act: () => void }[] = []
  const at = (moment: number, act: () => void) => {
    let index = events.length
    while (index > 0 && (events[index - 1]?.at ?? 0) < moment) index -= 1
    events.splice(index, 0, { at: moment, act })
  }
  const queue: (() => void)[] = []
  let busy = 0
  const work = () => {
    while (busy < slots) {
      const done = queue.shift()
      if (done === undefined) return
      busy += 1
      at(clock.now() + serviceMs * (0.75 + random() / 2), () => {
        busy -= 1
        done()
        work()
      })
    }
  }
  const tenants = new Map<string, SimulatedTenant>()
  let waiting: { readonly place: Place; readonly go: () => void; readonly of: SimulatedTenant }[] =
    []
  const settle = () => {
    const before = waiting
    waiting = []
    for (const one of before) {
      if (one.place.state === 'waiting') waiting.push(one)
      else if (one.place.state === 'inside') one.go()
      else one.of.refused += 1
    }
  }
  const arrive = (name: string) => {
    const came = clock.now()
    const tenant = parseTenantId(name)
    const of = tenants.get(name) ?? { latencies: [], refused: 0 }
    tenants.set(name, of)
    const place = load.gated ? gate.enter({ tenant, weight: 1 }) : undefined
    const go = () => {
      const began = clock.now()
      queue.push(() => {
        if (came >= load.fromSeconds * 1_000) of.latencies.push(clock.now() - came)
        if (place === undefined) return
        control.answered(tenant, clock.now() - began, gate, clock.now())
        gate.seats = control.limit
        place.leave()
        settle()
      })
      work()
    }
    if (place === undefined) go()
    else waiting.push({ place, go, of })
    settle()
  }
  for (const [name, rate] of Object.entries(load.perSecond)) {
    const next = () =>
      at(clock.now() - (Math.log(1 - random()) / rate) * 1_000, () => {
        arrive(name)
        next()
      })
    next()
  }
  for (let next = events.pop(); next !== undefined; next = events.pop()) {
    if (next.at > load.seconds * 1_000) break
    clock.pass(next.at - clock.now())
    next.act()
  }
  return tenants
}
