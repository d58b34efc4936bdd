import { setTimeout as sleep } from 'node:timers/promises'
import { type LogName, logOf } from '../../audit/entry.ts'
import { makeEntry } from '../../audit/make-entry.ts'
import { messageOf, RingfenceError } from '../../core/errors.ts'
import type { TenantId } from '../../core/tenant.ts'
import { tenantOf } from '../log/log-parts.ts'
import { type Hold, holdsOf, placeHold, releaseHold } from '../log/holds.ts'
import type { PostgresLogStore } from '../log/postgres-log-store.ts'
import { shredLog } from '../log/shred.ts'
import type { ErasedTenant, KeptTenant, KeptTenants } from './kept-tenants.ts'

const TEND_MS = 60_000
/** What holds that follow the registry are called; a hold's name is used once. */
const HOLD_PREFIX = 'registry-'

export interface RecordsKeepingOptions {
  readonly kept: KeptTenants
  /** The store that a log is in. @throws RingfenceError `not_found`, `engine_unavailable` */
  readonly storeOf: (log: LogName) => PostgresLogStore
  /** What else is kept of a tenant, by what it is called: usage, bills, sinks. */
  readonly erase: Readonly<Record<string, (tenant: TenantId) => Promise<unknown>>>
  /** Lets go, once a day, of what is too old of what is not in logs. Not while a tenant is on legal hold. */
  readonly forgetOld?: (now: Date) => Promise<unknown>
  readonly now?: () => Date
  readonly log: (line: string) => void
  /** How often the registry is asked. Default one minute. */
  readonly tendEveryMs?: number
}

/**
 * Keeps records as the registry says: holds logs whose tenant is on legal hold, and erases what is kept of a
 * tenant that was erased. Its log stays, unreadable, and is verified as before.
 */
export class RecordsKeeping {
  readonly #options: RecordsKeepingOptions
  readonly #ending = new AbortController()
  #tending = Promise.resolve()
  #running = Promise.resolve()
  /** Logs that the registry holds, as far as this process has seen to it. */
  readonly #held = new Set<LogName>()
  #hasLooked = false
  /** The day for which all that is too old is gone. */
  #forgotAt = ''

  constructor(options: RecordsKeepingOptions) {
    this.#options = options
  }

  /** Goes on by itself until `close`. */
  start(): void {
    this.#running = this.#run()
  }

  async close(): Promise<void> {
    this.#ending.abort()
    await this.#running
    await this.#tending
  }

  /** How many days entries of a log can be read; undefined: always, and while it is on legal hold. */
  async daysKept(log: LogName): Promise<number | undefined> {
    const id = tenantOf(log)
    const tenant = id && (await this.#options.kept.get(id))
    return tenant === undefined || tenant.legal_hold ? undefined : (tenant.audit_days ?? undefined)
  }

  /** Looks once at all of it. What fails is told, and tried again the next time. */
  async tend(): Promise<void> {
    this.#tending = this.#tending.then(() => this.#tend())
    return this.#tending
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending
    while (!signal.aborted) {
      await this.tend()
      const everyMs = this.#options.tendEveryMs ?? TEND_MS
      await sleep(everyMs, undefined, { signal, ref: false }).catch(() => {})
    }
  }

  async #tend(): Promise<void> {
    const { kept } = this.#options
    await this.#guarded('the registry', async () => {
      const tenants = await kept.all()
      for (const tenant of tenants) {
        await this.#guarded(`hold of ${tenant.id}`, () => this.#followHold(tenant))
      }
      this.#hasLooked = true
      for (const erased of await kept.erased()) {
        await this.#guarded(`erasure of ${erased.tenant}`, () => this.#erase(erased))
      }
      if (tenants.some((tenant) => tenant.legal_hold)) return
      await this.#guarded('what is too old', () => this.#forgetOld())
    })
  }

  async #forgetOld(): Promise<void> {
    const now = this.#now()
    const day = now.toISOString().slice(0, 10)
    if (day === this.#forgotAt) return
    await this.#options.forgetOld?.(now)
    this.#forgotAt = day
  }

  #now(): Date {
    return this.#options.now?.() ?? new Date()
  }

  async #guarded(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#options.log(`keeping records: ${what}: ${messageOf(error)}`)
    }
  }

  async #followHold({ id, legal_hold }: KeptTenant): Promise<void> {
    const log = logOf(id)
    // After the first look only what the registry has changed is looked at.
    if (this.#held.has(log) === legal_hold && (this.#hasLooked || legal_hold)) return
    const store = this.#storeOf(log)
    if (store === undefined) return
    const held = (await holdsOf(store, log)).filter(({ name }) => name.startsWith(HOLD_PREFIX))
    const now = this.#now().toISOString()
    const hold: Hold = {
      ...{ log, name: `${HOLD_PREFIX}${now}`, by: 'registry' },
      reason: 'the tenant is on legal hold',
    }
    if (legal_hold && held.length === 0) await placeHold(store, hold)
    const reason = 'the tenant is no longer on legal hold'
    if (!legal_hold) for (const one of held) await releaseHold(store, { ...one, reason })
    if (legal_hold) this.#held.add(log)
    else this.#held.delete(log)
  }

  async #erase(erased: ErasedTenant): Promise<void> {
    const { tenant, erasedAt, isGone, doneTo } = erased
    const log = logOf(tenant)
    if (!isGone) {
      if (doneTo !== undefined) return
      // Who has the id now is somebody else: nothing of it may be taken for the one before's.
      return this.#options.kept.done(erased, 0, [
        this.#entryOf(erased, 'failed', { why: 'the id is in use again: erase by hand' }),
      ])
    }
    const store = this.#storeOf(log)
    const size = store === undefined ? 0 : await sizeOf(store, log)
    if (doneTo !== undefined && size <= doneTo) return
    const gone = store === undefined || size === 0 ? 0 : await shredLog(store, log, REASON)
    const parts: string[] = []
    for (const [name, erase] of Object.entries(this.#options.erase)) {
      await erase(tenant)
      parts.push(name)
    }
    await store?.sign(true)
    const checkpoint = (await store?.checkpoint(log)) ?? ''
    await this.#options.kept.done(erased, store === undefined ? 0 : await sizeOf(store, log), [
      this.#entryOf(erased, 'done', {
        ...{ log, keys: gone, entries: size, erased: parts.join(' '), checkpoint },
        registered: erasedAt.toISOString(),
      }),
    ])
  }

  #entryOf(
    { tenant }: ErasedTenant,
    decision: 'done' | 'failed',
    detail: Readonly<Record<string, string | number>>,
  ) {
    return makeEntry({
      category: 'erasure',
      action: 'records.erased',
      actor: { kind: 'platform', id: 'records' },
      object: { type: 'tenant', id: tenant },
      ...{ decision, layer: 'records', detail },
    })
  }

  /** Undefined for a tenant of which nothing was ever entered: its region was never known. */
  #storeOf(log: LogName): PostgresLogStore | undefined {
    try {
      return this.#options.storeOf(log)
    } catch (error) {
      if (error instanceof RingfenceError && error.code === 'not_found') return undefined
      throw error
    }
  }
}

const REASON = 'the tenant was erased'

async function sizeOf({ parts }: PostgresLogStore, log: LogName): Promise<number> {
  const [row] = await parts.database.query<{ readonly size: string }>(
    'select size from records.log_head where log = $1',
    [log],
  )
  return Number(row?.size ?? 0)
}
