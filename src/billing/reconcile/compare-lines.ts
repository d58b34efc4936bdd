import { unitsOf } from '../../contracts/currency.ts'
import type { UsageReadings } from '../../metering/usage-readings.ts'
import type { BillingCatalogue } from '../catalogue.ts'
import type { Invoice, InvoiceLine } from '../invoices/invoice.ts'
import { quantityOf } from '../invoices/rate-segments.ts'
import { segmentsAsBilled } from '../invoices/segment.ts'
import { nameOf } from './compare-requests.ts'
import { type BillingFinding, findingOf } from './finding.ts'
import type { RecordedUsage } from './sides.ts'

/** So many events are named that explain one line. */
const NAMED_MAX = 50

export interface LineSides {
  readonly catalogue: BillingCatalogue
  readonly usage: UsageReadings
  readonly recorded: RecordedUsage
}

/**
 * Compares what an invoice says was used with its meters, and those with their events. Returns how many
 * lines it compared.
 */
export async function compareLines(
  invoice: Pick<Invoice, 'tenant' | 'segments' | 'lines'> & Partial<Invoice>,
  sides: LineSides,
  found: (finding: BillingFinding) => void,
): Promise<number> {
  const segments = await segmentsAsBilled(sides.catalogue, invoice.segments)
  let compared = 0
  for (const line of invoice.lines) {
    if (line.kind !== 'charge' || line.meter === undefined) continue
    const segment = segments.find(
      ({ plan, generation, from }) =>
        plan === line.plan &&
        generation === line.generation &&
        from.getTime() === line.from.getTime(),
    )
    const charge = segment?.price.charges.find(({ name }) => name === line.charge)
    const where = charge === undefined || charge.kind === 'flat' ? {} : (charge.where ?? {})
    await compareLine(invoice, line, where, sides, found)
    compared += 1
  }
  return compared
}

async function compareLine(
  invoice: Parameters<typeof compareLines>[0],
  line: InvoiceLine,
  where: Readonly<Record<string, string>>,
  { usage, recorded }: LineSides,
  found: (finding: BillingFinding) => void,
): Promise<void> {
  const { tenant, number = 'draft', issuedAt } = invoice
  const { meter = '', from, to, quantity = 0n } = line
  const metered = await quantityOf(usage, { tenant, meter, where, from, to })
  const total = await recorded.total(tenant, meter, where, { from, to })
  const about = `${number} ${line.charge}`
  if (metered !== total) {
    const text = `the meter ${meter} says ${unitsOf(metered)}, its events ${unitsOf(total)}`
    found(findingOf({ kind: 'meter-differs', about, at: from, text, events: [] }))
  }
  if (quantity === metered || issuedAt === undefined) return
  const text = `the invoice says ${unitsOf(quantity)} of ${meter}, the meter ${unitsOf(metered)}`
  const late = await recorded.receivedSince(tenant, { from, to }, issuedAt, NAMED_MAX)
  const kind = late.length > 0 ? 'invoice-behind' : 'invoice-differs'
  found(findingOf({ kind, about, at: from, text, events: late.map(nameOf) }))
}
