import type { Histogram } from './histogram.ts'

/**
 * What tells series of one metric apart. Values are names that the platform or a contract gave, or words
 * of a closed list: never a path, a header or anything else that a caller wrote.
 */
export type Labels = Readonly<Record<string, string>>

export interface Point {
  readonly labels: Labels
  readonly value: number
}

export interface HistogramPoint {
  readonly labels: Labels
  /** In microseconds. */
  readonly histogram: Histogram
}

interface Named {
  /** With dots, as OpenTelemetry has it: `ringfence.gateway.requests`. */
  readonly name: string
  readonly help: string
  /** UCUM: `1`, `s`, `By`, `{request}`. */
  readonly unit: string
}

/** A metric as it stands. */
export type Metric = Named &
  (
    | { readonly kind: 'counter' | 'gauge'; readonly points: readonly Point[] }
    | { readonly kind: 'histogram'; readonly points: readonly HistogramPoint[] }
  )

/** Asked when somebody reads, and costs nothing in between. */
export type MetricSource = () => readonly Metric[]
