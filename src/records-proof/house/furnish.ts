import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { makeEntry } from '../../audit/make-entry.ts'
import type { AuditEntry } from '../../audit/entry.ts'
import { budgetSchema } from '../../billing/budgets/budget.ts'
import { parsePeriod, periodAt } from '../../billing/rating/period.ts'
import { InboxMover } from '../../records/intake/inbox-mover.ts'
import { usageEventSchema, type UsageEvent } from '../../usage/usage-event.ts'
import { furnishOutside, keepSinks } from './furnish-outside.ts'
import { BUDGET, CALL_TYPE, CLINIC, GATEWAY } from './ground.ts'
import type { Party } from './party.ts'
import type { Site } from './site.ts'

/** Entries of each log before any strike. */
const ENTRIES = 6
const LOOK_MS = 5
const DAY_MS = 86_400_000

/** The month before this one: it can be made final. */
export const LAST_MONTH = parsePeriod(
  periodAt('month', new Date(periodAt('month', new Date()).from.getTime() - 1)).id,
)
export const THIS_MONTH = periodAt('month', new Date())
/** When the tenants of a rehearsal became customers. */
const SINCE = new Date(LAST_MONTH.from.getTime() - 40 * DAY_MS)
/** Of what is used last month; the day before this one began, so that it is not too long ago. */
const USED_AT = new Date(THIS_MONTH.from.getTime() - 3_600_000)

/** An entry of a tenant's log that names its canary. */
export function entryOf(party: Party, more: Partial<AuditEntry> = {}): AuditEntry {
  const { tenant, entryCanary } = party
  return {
    ...makeEntry({
      tenant,
      category: 'decision',
      action: 'request.denied',
      actor: { kind: 'user', id: entryCanary },
      object: { type: 'api', id: 'clinic' },
      decision: 'denied',
      layer: 'route',
      reason: entryCanary,
      request_id: entryCanary,
    }),
    ...more,
  }
}

/** Usage of a tenant, as its service reports it. */
export function eventOf(party: Party, more: Partial<UsageEvent> = {}): UsageEvent {
  return usageEventSchema.parse({
    specversion: '1.0',
    id: randomUUID(),
    source: `/services/${CLINIC}/1`,
    type: CALL_TYPE,
    time: new Date().toISOString(),
    tenantid: party.tenant,
    data: { amount: 1, site: party.usageCanary },
    ...more,
  })
}

/** Gives every tenant a log, usage, an invoice and budgets, and no two the same. */
export async function furnish(site: Site): Promise<void> {
  const { ground, admin, logs, metering, billing, numbers } = site
  await admin.query(
    `insert into registry.cell (name, region, capacity, open) values ('eu-1', 'eu-central', 99, true)
     on conflict do nothing`,
  )
  for (const [at, party] of ground.parties.entries()) await register(site, party, 700 + at)
  await logs.append(
    ground.parties.flatMap((party, at) =>
      Array.from({ length: ENTRIES + at }, () => entryOf(party)),
    ),
  )
  await logs.sign()
  await metering.store.add(
    ground.parties.flatMap((party, at) =>
      [USED_AT, new Date()].map((time) => ({
        event: eventOf(party, {
          time: time.toISOString(),
          data: { amount: 10 + at, site: party.usageCanary },
        }),
        reporter: GATEWAY,
      })),
    ),
  )
  await metering.settled()
  for (const party of ground.parties) {
    const { tenant, budgetCanary } = party
    const [made] = await billing.invoices.finalise(tenant, LAST_MONTH, 'proof', {
      incomplete: true,
    })
    if (made === undefined) throw new Error(`no invoice of ${tenant}`)
    numbers.set(tenant, made.invoice.number)
    const budget = budgetSchema.parse({ kind: 'usage', meter: 'calls', amount: 1_000 })
    await billing.budgets.put(tenant, BUDGET, budget, 'proof')
    await billing.budgets.put(tenant, budgetCanary, budget, 'proof')
  }
  await furnishOutside(site)
  await keepSinks(site)
  await moveInbox(site)
  await logs.sign()
}

/** What was entered with the invoices goes into the logs now, and not in the course of a strike. */
async function moveInbox({ intake, logs }: Site): Promise<void> {
  const mover = InboxMover.start({ database: intake, logs, log: () => undefined })
  try {
    while ((await intake.inboxLag()).entries > 0) await setTimeout(LOOK_MS)
  } finally {
    await mover.close()
  }
}

async function register(
  { admin }: Site,
  { tenant, plan, invoiceCanary, usageCanary }: Party,
  amount: number,
): Promise<void> {
  const spec = {
    billing: {
      currency: 'EUR',
      charges: [{ name: 'base', kind: 'flat', amount, text: invoiceCanary }],
      quotas: [{ name: 'monthly', meter: 'calls', amount: 1_000_000, period: 'month' }],
    },
  }
  await admin.query(
    `insert into registry.plan
       (name, tiers, requests_per_minute, leases_per_minute, lease_seconds_max, approval)
     values ($1, '{pooled}', 60, 60, 60, false)`,
    [plan],
  )
  await admin.query(
    `insert into registry.object_generation
       (owner, kind, name, generation, spec, hash, act, at, by, why, request_id)
     values ('', 'Plan', $1, 1, $2, 'h', 'created', $3, 'proof', 'proof', 'proof')`,
    [plan, JSON.stringify(spec), SINCE],
  )
  await admin.query(
    `insert into registry.tenant (id, tier, region, cell, display_name, status, plan)
     values ($1, 'pooled', 'eu-central', 'eu-1', $2, 'active', $3)`,
    [tenant, usageCanary, plan],
  )
  await admin.query('update registry.plan_span set began_at = $2 where tenant = $1', [
    tenant,
    SINCE,
  ])
}
