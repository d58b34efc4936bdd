import { randomUUID } from 'node:crypto'
import type { TenantId } from '../core/tenant.ts'
import type { UsageEvent, UsageSink } from '../usage/usage-event.ts'

const EVERY_MS = 60_000
/** Moving so many bytes of bodies is taken for as much work as one more request. */
const BYTES_OF_ONE = 65_536

export interface ProcessorTimeOptions {
  readonly sink: UsageSink
  /** What usage is reported under. */
  readonly source: string
  /** What this process has worked so far, in microseconds. Default: its own processor time. */
  readonly worked?: () => number
  /** Between two shares. Default one minute. Milliseconds. */
  readonly everyMs?: number
  readonly log: (line: string) => void
}

/**
 * Who this process has worked for: each minute its processor time is shared by the requests that were
 * entered in it and by their bytes, and entered as usage of those who pay for them. A request costs nothing
 * but a look at its event. What was refused, and what the process does by itself, is in everybody's share;
 * a minute without requests is nobody's.
 */
export class ProcessorTime implements UsageSink {
  readonly #options: ProcessorTimeOptions
  readonly #worked: () => number
  readonly #timer: NodeJS.Timeout
  #shares = new Map<TenantId, number>()
  #until: number
  #entering: Promise<void> = Promise.resolve()

  constructor(options: ProcessorTimeOptions) {
    this.#options = options
    this.#worked = options.worked ?? processorMicros
    this.#until = this.#worked()
    this.#timer = setInterval(() => {
      this.#entering = this.#entering.then(() => this.#enter())
    }, options.everyMs ?? EVERY_MS)
    // Waiting alone does not keep the process alive.
    this.#timer.unref()
  }

  write(events: readonly UsageEvent[]): Promise<void> {
    for (const { tenantid, data } of events) {
      const bytes = numberOf(data['request_bytes']) + numberOf(data['response_bytes'])
      const share = 1 + bytes / BYTES_OF_ONE
      this.#shares.set(tenantid, (this.#shares.get(tenantid) ?? 0) + share)
    }
    return this.#options.sink.write(events)
  }

  /** Enters what has come since the last time. Before the sink is closed. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#entering
    await this.#enter()
  }

  async #enter(): Promise<void> {
    const [worked, shares] = [this.#worked(), this.#shares]
    const micros = worked - this.#until
    this.#until = worked
    if (shares.size === 0) return
    this.#shares = new Map()
    const all = [...shares.values()].reduce((sum, share) => sum + share, 0)
    const time = new Date().toISOString()
    const events = [...shares].map(
      ([tenantid, share]): UsageEvent => ({
        specversion: '1.0',
        id: randomUUID(),
        source: this.#options.source,
        type: 'dev.ringfence.gateway-time',
        time,
        tenantid,
        data: { cpu_us: Math.round((micros * share) / all) },
      }),
    )
    await this.#options.sink.write(events).catch((error: unknown) => {
      // It is what the platform costs, and on nobody's bill: no request fails for it.
      const why = error instanceof Error ? error.name : 'unknown'
      this.#options.log(`processor time of ${micros} µs is not entered: ${why}`)
    })
  }
}

/** Of user and system, of this process and all its threads. */
function processorMicros(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

const numberOf = (value: unknown) => (typeof value === 'number' && value > 0 ? value : 0)
