import type { Row } from '../bench.ts'
import { percentiles, ratios } from './statistics.ts'

/** A reference and what is compared with it, as two rows; the second has the ratio of the p50. */
export function pairedRows(
  labels: { readonly reference: string; readonly measured: string; readonly unit: string },
  reference: readonly (readonly number[])[],
  measured: readonly (readonly number[])[],
  aimMax?: number,
): readonly [Row, Row] {
  const p50s = (rounds: readonly (readonly number[])[]) =>
    rounds.map((round) => percentiles(round).p50)
  const compared = ratios(p50s(measured), p50s(reference))
  const row = {
    what: labels.measured,
    unit: labels.unit,
    ...percentiles(measured.flat()),
    ...compared,
    reference: labels.reference,
  }
  return [
    { what: labels.reference, unit: labels.unit, ...percentiles(reference.flat()) },
    aimMax === undefined
      ? row
      : { ...row, aim: { text: `<= ${aimMax.toFixed(2)}x`, met: compared.ratio <= aimMax } },
  ]
}
