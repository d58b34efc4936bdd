import type { Charge } from '../../contracts/price.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { Micros, UsageReadings } from '../../metering/usage-readings.ts'
import { type Period, shareOf } from '../rating/period.ts'
import { rateCharge } from '../rating/rate-charge.ts'
import { type Rational, rational, roundHalfEven, times } from '../rating/rational.ts'
import type { InvoiceLine } from './invoice.ts'
import type { Segment } from './segment.ts'

/** What was read of a meter for a line. */
export interface UsedReading {
  readonly meter: string
  readonly where: Readonly<Record<string, string>>
  readonly from: Date
  readonly to: Date
  readonly quantity: Micros
}

export interface RatedSegments {
  readonly lines: readonly InvoiceLine[]
  readonly readings: readonly UsedReading[]
}

/** The lines of a tenant's segments in a period, from what its meters say now. */
export async function rateSegments(
  usage: UsageReadings,
  tenant: TenantId,
  segments: readonly Segment[],
  period: Period,
): Promise<RatedSegments> {
  const lines: InvoiceLine[] = []
  const readings: UsedReading[] = []
  for (const segment of segments) {
    const { plan, generation, from, to, price } = segment
    const share = shareOf(segment, period, price.proration)
    const common = { plan, generation, from, to }
    let total = 0n
    for (const charge of price.charges) {
      const reading = await readingFor(usage, tenant, segment, charge)
      if (reading !== undefined) readings.push(reading)
      const line = { ...common, ...lineOf(charge, reading, share) }
      lines.push(line)
      total += line.amount
    }
    const minimum = roundHalfEven(times(rational(BigInt(price.minimum ?? 0)), share))
    if (minimum <= total) continue
    const text = `Minimum of the plan ${plan}`
    lines.push({ ...common, kind: 'minimum', charge: 'minimum', text, amount: minimum - total })
  }
  return { lines, readings }
}

function lineOf(charge: Charge, reading: UsedReading | undefined, share: Rational) {
  const { cost, included, steps } = rateCharge(charge, reading?.quantity ?? 0n, share)
  const line = {
    kind: 'charge' as const,
    charge: charge.name,
    text: charge.text ?? charge.name,
    amount: roundHalfEven(cost),
  }
  if (reading === undefined) return line
  return {
    ...line,
    meter: reading.meter,
    quantity: reading.quantity,
    ...(included.n === 0n ? {} : { included: fraction(included) }),
    steps: steps.map((step) => ({ quantity: fraction(step.quantity), cost: fraction(step.cost) })),
  }
}

async function readingFor(
  usage: UsageReadings,
  tenant: TenantId,
  { from, to }: Segment,
  charge: Charge,
): Promise<UsedReading | undefined> {
  if (charge.kind === 'flat') return undefined
  const { meter, where = {} } = charge
  return {
    meter,
    where,
    from,
    to,
    quantity: await quantityOf(usage, { tenant, meter, where, from, to }),
  }
}

/** What a meter says of a span as a whole, of some of its groups or all together. */
export async function quantityOf(
  usage: UsageReadings,
  asked: {
    readonly tenant: TenantId
    readonly meter: string
    readonly where: Readonly<Record<string, string>>
    readonly from: Date
    readonly to: Date
  },
): Promise<Micros> {
  const { where, ...rest } = asked
  const by = Object.keys(where)
  const found = await usage.read({ ...rest, window: 'whole', ...(by.length === 0 ? {} : { by }) })
  return found
    .filter(({ group }) => by.every((key) => group[key] === where[key]))
    .reduce((sum, { quantity }) => sum + quantity, 0n)
}

function fraction({ n, d }: Rational): string {
  return d === 1n ? `${n}` : `${n}/${d}`
}
