import { RingfenceError } from '../core/errors.ts'
import type { TenantId } from '../core/tenant.ts'
import type { Reading, ReadingsAsked, UsageReadings } from '../metering/usage-readings.ts'

/** One event as a meter sees it. */
export interface CountedEvent {
  readonly source: string
  readonly id: string
  readonly tenant: TenantId
  readonly meter: string
  readonly time: Date
  readonly units: bigint
  readonly group?: Readonly<Record<string, string>>
}

/** Usage from events that are counted once, in memory: a sum for each meter. */
export class MemoryReadings implements UsageReadings {
  readonly #events = new Map<string, CountedEvent>()
  readonly #meters: readonly string[]
  #watermark = new Date(0)

  constructor(meters: readonly string[]) {
    this.#meters = meters
  }

  add(...events: readonly CountedEvent[]): void {
    for (const event of events) {
      const key = `${event.source} ${event.id}`
      if (!this.#events.has(key)) this.#events.set(key, event)
    }
  }

  completeUntil(moment: Date): void {
    this.#watermark = moment
  }

  get events(): readonly CountedEvent[] {
    return [...this.#events.values()]
  }

  read({ tenant, meter, from, to, by = [] }: ReadingsAsked): Promise<readonly Reading[]> {
    if (!this.#meters.includes(meter)) {
      return Promise.reject(new RingfenceError('not_found', 'no such meter'))
    }
    const sums = new Map<string, Reading>()
    for (const event of this.#events.values()) {
      if (event.tenant !== tenant || event.meter !== meter) continue
      if (event.time < from || event.time >= to) continue
      const group = Object.fromEntries(by.map((key) => [key, event.group?.[key] ?? '']))
      const key = JSON.stringify(group)
      const quantity = (sums.get(key)?.quantity ?? 0n) + event.units * 1_000_000n
      sums.set(key, { meter, from, to, group, quantity })
    }
    return Promise.resolve([...sums.values()])
  }

  watermark(): Promise<Date> {
    return Promise.resolve(this.#watermark)
  }
}
