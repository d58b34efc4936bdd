import { randomUUID } from 'node:crypto'
import { RingfenceError } from '../core/errors.ts'
import type { ServiceName } from '../core/names.ts'
import { Journal } from '../journal/journal.ts'
import { Shipper } from '../journal/shipper.ts'
import { type UsageEvent, usageEventSchema } from '../usage/usage-event.ts'
import type { UsageSettings } from './options.ts'
import type { Spooled } from './spooled-usage.ts'
import { usageSender } from './usage-sender.ts'
import type { VerifiedContext } from './verified-context.ts'
import type { WorkloadIdentity } from './identity.ts'

const SPOOL_BYTES_MAX = 256 * 1024 * 1024
/** What was sent is removed page by page: small ones make room sooner. */
const PAGE_BYTES = 2 * 1024 * 1024
const WAITING_MAX = 10_000

/** Something that a tenant used. */
export interface Usage {
  /** What was used: `com.example.report`. */
  readonly type: string
  /** What meters filter, group and add up. Amounts that must be exact are decimal strings. */
  readonly data?: UsageEvent['data']
  /**
   * Names it within this service: what is recorded twice under one id counts once. Default a new one,
   * so that each call counts.
   */
  readonly id?: string
  /** What inside the tenant used it. Default the context's subject. */
  readonly subject?: string
  /** When, within the life of the context. Default now. */
  readonly time?: Date
  /** `id` of an earlier one, of the same tenant, that this one takes the place of. */
  readonly corrects?: string
}

export interface UsageRecorderOptions extends UsageSettings {
  readonly identity: WorkloadIdentity
  readonly service: ServiceName
  /** The token of a context that was verified here. @throws RingfenceError `invalid_token` */
  readonly tokenOf: (context: VerifiedContext) => string
}

/** Records what tenants use: on this process's own disk first, from which it is sent on. */
export class UsageRecorder {
  readonly #options: UsageRecorderOptions
  #spool: Promise<{ readonly journal: Journal; readonly shipper: Shipper }> | undefined
  #closed = false

  constructor(options: UsageRecorderOptions) {
    this.#options = options
    // What an earlier process has left is sent on, whether or not there is anything new.
    void this.#open().catch(() => undefined)
  }

  /**
   * On return it survives this process: it is on the disk, and will be sent on until it is taken.
   * @throws RingfenceError `invalid_token` (the context was not verified here), `invalid_argument`,
   *   `overloaded` when the spool is full or its disk too slow, `not_writable`
   */
  async record(context: VerifiedContext, ...usages: readonly Usage[]): Promise<void> {
    const token = this.#options.tokenOf(context)
    const lines = usages.map((usage) => ({
      kind: 'usage' as const,
      value: { context: token, event: this.#eventOf(context, usage) } satisfies Spooled,
    }))
    if (this.#closed) throw new RingfenceError('not_writable', 'it is closed')
    const { journal } = await this.#open()
    await journal.append(lines)
  }

  /** How much waits, and why: for a gauge and a warning. */
  async lag() {
    const { shipper } = await this.#open()
    return shipper.lag()
  }

  /** Ends after what is under way. What is not sent by then is sent by the next process. */
  async close(): Promise<void> {
    this.#closed = true
    const spool = await this.#spool?.catch(() => undefined)
    await spool?.shipper.close()
    await spool?.journal.close()
  }

  #eventOf(context: VerifiedContext, usage: Usage): UsageEvent {
    const { tenant, billed = tenant, delegation, expiresAt, trace } = context
    const source = `/services/${this.#options.service}`
    // Work may take longer than its context lives; it was done in its name all the same.
    const now = new Date(Math.min(Date.now(), expiresAt.getTime()))
    const { type, data, id = randomUUID(), subject = context.subject, time = now } = usage
    const read = usageEventSchema.safeParse({
      specversion: '1.0',
      ...{ id, source, type, subject },
      time: Number.isNaN(time.getTime()) ? '' : time.toISOString(),
      tenantid: billed,
      ...(delegation === undefined ? {} : { tenantcontextid: tenant, grantid: delegation.grant }),
      traceparent: `00-${trace.traceId}-${trace.spanId}-${trace.flags}`,
      ...(usage.corrects === undefined ? {} : { corrects: `${source} ${usage.corrects}` }),
      ...(data === undefined ? {} : { data }),
    })
    if (read.success) return read.data
    const [issue] = read.error.issues
    const where = issue?.path.join('.') ?? ''
    throw new RingfenceError('invalid_argument', `usage: ${where}: ${issue?.message ?? ''}`)
  }

  #open() {
    this.#spool ??= this.#opened().catch((error: unknown) => {
      // The disk may be there the next time.
      this.#spool = undefined
      throw error
    })
    return this.#spool
  }

  async #opened() {
    const { spool: directory, spoolBytesMax = SPOOL_BYTES_MAX, log = () => {} } = this.#options
    const journal = await Journal.open({
      directory,
      bytesMax: Math.min(PAGE_BYTES, Math.ceil(spoolBytesMax / 4)),
      keptBytesMax: spoolBytesMax,
      waitingMax: WAITING_MAX,
    })
    const send = await usageSender({ ...this.#options, log })
    const shipper = await Shipper.start({ journal, kinds: ['usage'], send, log, keepMs: 0 })
    return { journal, shipper }
  }
}
