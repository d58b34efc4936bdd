import type { Price } from '../../contracts/price.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { PlanName } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { BillingCatalogue, PriceVersion } from '../catalogue.ts'
import { overlap, type Period, type Span } from '../rating/period.ts'

/** A stretch of a period with one plan and one version of its price. */
export interface Segment extends Span {
  readonly plan: PlanName
  readonly generation: number
  readonly price: Price
}

/**
 * What a tenant was on in a period, as far as it is billed by periods of this kind. The price of a segment
 * is the one that counts at its first moment, so that no price changes for anybody in the middle of it.
 */
export async function segmentsOf(
  catalogue: BillingCatalogue,
  tenant: TenantId,
  period: Period,
): Promise<readonly Segment[]> {
  const segments: Segment[] = []
  for (const span of await catalogue.spans(tenant)) {
    const inside = overlap(span, period)
    if (inside === undefined) continue
    const version = versionAt(await catalogue.versions(span.plan), inside.from)
    if (version?.price === undefined || version.price.period !== period.kind) continue
    const { plan, generation, price } = version
    segments.push({ plan, generation, price, ...inside })
  }
  return segments
}

/** The newest generation that counts at a moment: a later one replaces what an earlier one announced. */
export function versionAt(
  versions: readonly PriceVersion[],
  moment: Date,
): PriceVersion | undefined {
  return versions.findLast(({ appliedAt, price }) => {
    const from = price?.effectiveFrom === undefined ? appliedAt : new Date(price.effectiveFrom)
    return from <= moment
  })
}

/**
 * The same segments as they were billed, with the generations that they name.
 * @throws RingfenceError `internal` for a generation that is gone: what it billed would seem to be owed
 */
export async function segmentsAsBilled(
  catalogue: BillingCatalogue,
  billed: readonly Omit<Segment, 'price'>[],
): Promise<readonly Segment[]> {
  const segments: Segment[] = []
  for (const segment of billed) {
    const versions = await catalogue.versions(segment.plan)
    const version = versions.find(({ generation }) => generation === segment.generation)
    if (version?.price === undefined) {
      throw new RingfenceError('internal', 'a price that was billed is gone', {
        detail: `generation ${segment.generation} of the plan ${segment.plan}`,
      })
    }
    segments.push({ ...segment, price: version.price })
  }
  return segments
}
