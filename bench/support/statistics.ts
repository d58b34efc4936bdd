/** The value below which `part` (0 to 1) of the sorted values lie; the nearest rank. */
export function quantile(sorted: Float64Array | readonly number[], part: number): number {
  const index = Math.min(sorted.length - 1, Math.floor(sorted.length * part))
  return sorted[index] ?? Number.NaN
}

export function median(values: readonly number[]): number {
  return quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  )
}

/** `n` and percentiles, as a row has them. */
export function percentiles(values: readonly number[]): {
  readonly n: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
} {
  const sorted = Float64Array.from(values).sort()
  return {
    n: values.length,
    p50: quantile(sorted, 0.5),
    p95: quantile(sorted, 0.95),
    p99: quantile(sorted, 0.99),
  }
}

/** The median of `values[i] / references[i]`, and the range. Both come from the same rounds. */
export function ratios(
  values: readonly number[],
  references: readonly number[],
): { readonly ratio: number; readonly ratioRange: readonly [number, number] } {
  const each = values.map((value, index) => value / (references[index] ?? Number.NaN))
  return { ratio: median(each), ratioRange: [Math.min(...each), Math.max(...each)] }
}
