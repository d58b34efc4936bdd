import type { MemoryReadings } from '../memory-readings.test-support.ts'
import type { Span } from '../rating/period.ts'
import type { GatewayLog, LoggedRequest, RecordedEvent, RecordedUsage } from './sides.ts'

const inside = ({ from, to }: Span, at: Date) => from <= at && at < to

/** A gateway's log, written by hand. */
export class MemoryLog implements GatewayLog {
  readonly requests: (LoggedRequest & { readonly tenant: string })[] = []

  async *read(tenant: string, span: Span): AsyncIterable<LoggedRequest> {
    for (const one of this.requests) {
      if (one.tenant === tenant && inside(span, one.at)) yield one
    }
  }
}

/** Events, written by hand; what meters say of them comes from `readings`. */
export class MemoryRecorded implements RecordedUsage {
  readonly events: (RecordedEvent & { readonly tenant: string })[] = []
  readonly #readings: MemoryReadings

  constructor(readings: MemoryReadings) {
    this.#readings = readings
  }

  async *requests(tenant: string, span: Span): AsyncIterable<RecordedEvent> {
    for (const one of this.events) {
      if (one.tenant === tenant && inside(span, one.at)) yield one
    }
  }

  receivedSince(tenant: string, span: Span, moment: Date, most: number) {
    return Promise.resolve(
      this.events
        .filter((one) => one.tenant === tenant && inside(span, one.at) && one.receivedAt >= moment)
        .slice(0, most),
    )
  }

  total(tenant: string, meter: string, where: Readonly<Record<string, string>>, span: Span) {
    const units = this.#readings.events
      .filter((event) => event.tenant === tenant && event.meter === meter)
      .filter((event) => inside(span, event.time))
      .filter(({ group }) => Object.entries(where).every(([key, value]) => group?.[key] === value))
      .reduce((sum, event) => sum + event.units, 0n)
    return Promise.resolve(units * 1_000_000n)
  }
}
