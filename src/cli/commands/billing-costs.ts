import type { Command } from 'commander'
import type { z } from 'zod'
import { parseTenantId, TIERS } from '../../core/tenant.ts'
import { cost, items, money } from '../billing-answers.ts'
import { examples, pathOf } from '../control-command.ts'
import type { ControlClient } from '../control-client.ts'
import { type Columns, type OutputFormat, writeList } from '../output.ts'

type Cost = z.output<typeof cost>

interface Flags {
  readonly period: string
  readonly tenant?: string
}

export interface CostsCommandParts<F> {
  /** Adds the flags of every command that asks the records plane. */
  readonly recordsCommand: (command: Command) => Command
  readonly open: (flags: F) => { client: ControlClient; format: OutputFormat }
  readonly period: string
  readonly out: (text: string) => void
}

const GIB_HOURS = 1024 ** 3
const HOURS = 3_600_000_000
/** A quantity as people read it: GiB-hours, hours, GiB. */
const UNITS: Readonly<Record<string, readonly [title: string, per: number]>> = {
  storage: ['GiB-hours', GIB_HOURS],
  query: ['engine hours', HOURS],
  gateway: ['gateway hours', HOURS],
  egress: ['GiB sent', 1024 ** 3],
}

/** `ringfence billing costs|margin|advice`: what tenants cost, and whether they are in the right tier. */
export function addBillingCosts<F extends Flags>(
  billing: Command,
  { recordsCommand, open, period, out }: CostsCommandParts<F>,
): void {
  const add = (name: string, description: string, show: (found: readonly Cost[]) => void) => {
    examples(
      recordsCommand(billing.command(name).description(description))
        .requiredOption('--period <period>', period)
        .option('--tenant <tenant>', 'one only'),
      `ringfence billing ${name} --period 2026-07`,
      `ringfence billing ${name} --period 2026-07 --tenant acme -o json`,
    ).action(async (flags: F) => {
      const { client, format } = open(flags)
      const tenant = flags.tenant === undefined ? undefined : parseTenantId(flags.tenant)
      const path = pathOf('billing', 'periods', flags.period, 'costs')
      const found = (await client.get(path, items(cost), { tenant })).items
      if (format !== 'table') return writeList(found, (one) => one, format, out)
      show(found)
    })
  }
  const list = (found: readonly Cost[], columns: Columns<Cost>) =>
    writeList(found, columns, 'table', out)

  add('costs', 'What tenants used and cost, part by part.', (found) => {
    list(found, costColumns)
    const [first] = found
    if (first === undefined) return
    out(`\nIn ${first.currency}. “?” was not measured: docs/billing.md says what measures it.\n`)
  })
  add('margin', 'What tenants cost, what they pay, and what is left.', (found) =>
    list(found, (one) => ({
      tenant: one.tenant,
      tier: one.tier,
      cost: money(one.cost, one.currency),
      revenue: money(one.revenue, one.currency),
      margin: money(one.margin, one.currency),
      '%': one.marginPercent,
    })),
  )
  add(
    'advice',
    'What tenants would cost in each tier, and where one would be better off.',
    (found) =>
      list(found, (one) => ({
        tenant: one.tenant,
        tier: one.tier,
        ...Object.fromEntries(TIERS.map((tier) => [tier, money(one.byTier[tier], one.currency)])),
        'engine hours': hoursOf(one),
        advice: one.advice === null ? 'stay' : `${one.advice.move}: ${one.advice.text}`,
      })),
  )
}

/** Each part with what was used of it and what that costs; of what nobody measured, a question mark. */
const costColumns: Columns<Cost> = (one) => {
  const columns = one.parts.flatMap(({ name, quantity, cost, measured }): [string, string][] => {
    const amount = money(cost, one.currency)
    const [title, per] = UNITS[name] ?? []
    if (title === undefined || per === undefined) {
      // Every tenant has a price of its tier, whichever that is.
      return [[name.startsWith('tier ') ? 'its tier' : name, amount]]
    }
    return [
      [title, measured ? (Number(quantity) / per).toFixed(3) : '?'],
      [name, measured ? amount : '?'],
    ]
  })
  return {
    tenant: one.tenant,
    tier: one.tier,
    ...Object.fromEntries(columns),
    cost: money(one.cost, one.currency),
  }
}

function hoursOf({ parts }: Cost): string {
  const query = parts.find(({ name }) => name === 'query')
  return query?.measured === true ? (Number(query.quantity) / HOURS).toFixed(3) : '?'
}
