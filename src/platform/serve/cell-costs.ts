import type { BillsOptions } from '../../records/open-bills.ts'
import { remoteMeter } from '../../cells/remote-boundary.ts'
import type { PlaneSpec } from '../plane-config.ts'

/** What tenants cost, as their cells measure it. Sources keep their names, so that counters go on. */
export function cellCosts({
  book,
  everyMs,
  cells,
}: NonNullable<PlaneSpec<'records'>['costs']>): NonNullable<BillsOptions['costs']> {
  return {
    book,
    everyMs,
    sources: cells.map(({ name, meter }) => ({
      name: `cell/${name}`,
      sample: () => remoteMeter(meter).costs(),
    })),
  }
}
