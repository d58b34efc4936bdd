import type { Hono } from 'hono'
import { parseClientId } from '../core/names.ts'
import { Journal, type JournalOptions } from '../journal/journal.ts'
import type { RevocationSource } from '../revocation/revocation.ts'
import type { ConfigurationSource } from '../snapshot/snapshot.ts'
import type { PoolState } from '../telemetry/metrics/saturation.ts'
import type { ServerTelemetry } from '../telemetry/server-telemetry.ts'
import { UsedAssertions } from '../tokens/client-assertion.ts'
import { checkTools } from './check-tools.ts'
import { type Check, VENDING_CHECKS } from './checks.ts'
import { DenialThrottle } from '../audit/denial-throttle.ts'
import { Desk } from './desk.ts'
import { Enforcer } from './enforcer.ts'
import { FairGate } from './fair-gate.ts'
import { IssuedLeases, issuedOf } from './issued-leases.ts'
import type { JournalEntry } from './journal-entry.ts'
import { LeaseCache, type LeaserOf } from './lease-cache.ts'
import { recall } from './recall.ts'
import { remember } from './remember.ts'
import { vendingApp } from './vending-app.ts'
import { VendingJournal } from './vending-journal.ts'

/** Longer than any lease lives: how far back the journal is read at a start. Milliseconds. */
const RECALL_MS = 3_700_000
const WORKLOAD_PER_MINUTE = 30_000
const AT_ONCE = 32
const WAITING_PER_TENANT = 200
const UNKNOWN_DENIALS_PER_MINUTE = 600

export interface VendingOptions {
  /** Vending's own issuer id, `ringfence-vending`: the audience of workloads' client assertions. */
  readonly audience: string
  readonly configuration: ConfigurationSource
  readonly revocations: RevocationSource
  /** The way to a cell's credentials. @throws RingfenceError `engine_unavailable` for a cell that is not known */
  readonly leaserOf: LeaserOf
  /** An open journal is its opener's: to send it on, and to close. */
  readonly journal: JournalOptions | Journal
  /**
   * Who reports leases as usage, in the same journal: `/ringfence/vending/vending-1`, below the name that
   * vending has at the records plane. Default: nobody does.
   */
  readonly usageSource?: string
  /** Counts requests by tenant, and keeps spans of some. Default: nothing does. */
  readonly telemetry?: ServerTelemetry
  readonly log: (line: string) => void
  /** Requests a minute of one workload over all tenants. Default 30 000. */
  readonly workloadPerMinute?: number
  /** Calls to engines at once. Default 32. */
  readonly atOnce?: number
  /** Of one tenant. Default half of all: one whose engine hangs keeps nobody else waiting. */
  readonly atOncePerTenant?: number
  /** Requests of one tenant that may wait for their turn. Default 200. */
  readonly waitingPerTenant?: number
  /** For proofs: the checks without one. Default all. */
  readonly checks?: readonly Check[]
}

export interface Vending {
  readonly app: Hono
  /** How full what there is only so much of is: calls to engines, and the journal. */
  readonly pools: Readonly<Record<'engines' | 'journal', () => PoolState>>
  /** Waits until every lease that the configuration, or a revocation, took away is ended. */
  settled(): Promise<void>
  /** After the listener: waits for what is under way and closes the journal that it opened. */
  close(): Promise<void>
}

/** @throws RingfenceError `not_writable` when the journal cannot be opened */
export async function openVending(options: VendingOptions): Promise<Vending> {
  const { configuration, revocations, leaserOf, log } = options
  const given = options.journal instanceof Journal
  const lines =
    options.journal instanceof Journal ? options.journal : await Journal.open(options.journal)
  const journal = new VendingJournal(lines)
  if (lines.bytesCut > 0) log('the journal’s last line was torn and is cut off')
  const issued = new IssuedLeases()
  const used = new UsedAssertions()
  const before = await recall(lines.directory, RECALL_MS)
  for (const entry of before) remember(entry, issued, used)
  const cache = new LeaseCache({
    leaserOf,
    onOpened: (lease, order) =>
      issued.add(issuedOf(lease, parseClientId(order.holder)), lease.lease_duration * 1000),
    end: (lease, order) => enforcer.end(issuedOf(lease, parseClientId(order.holder)), 'taken-away'),
    onRenewalFailed: (tenant) => log(`no renewal for ${tenant}; its lease goes on`),
  })
  const record = (entry: JournalEntry) => journal.append(entry)
  const enforcer = new Enforcer({
    ...{ configuration, revocations, leaserOf, cache, issued, record, log },
  })
  const gate = new FairGate({
    atOnce: options.atOnce ?? AT_ONCE,
    ...(options.atOncePerTenant === undefined ? {} : { atOncePerKey: options.atOncePerTenant }),
    waitingPerKey: options.waitingPerTenant ?? WAITING_PER_TENANT,
  })
  const desk = new Desk({
    checks: options.checks ?? VENDING_CHECKS,
    tools: checkTools(
      options.audience,
      used,
      options.workloadPerMinute ?? WORKLOAD_PER_MINUTE,
      revocations,
    ),
    configuration,
    revocations,
    leaserOf,
    cache,
    issued,
    enforcer,
    gate,
  })
  const throttle = new DenialThrottle(UNKNOWN_DENIALS_PER_MINUTE)
  enforcer.start()
  return {
    app: vendingApp({
      ...{ configuration, revocations, desk, cache, journal, throttle, log },
      usageSource: options.usageSource,
      telemetry: options.telemetry,
    }),
    pools: { engines: () => gate.load, journal: () => lines.load },
    settled: () => enforcer.settled(),
    async close() {
      await enforcer.stop()
      if (!given) await lines.close()
    },
  }
}
