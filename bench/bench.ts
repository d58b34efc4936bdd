/** One line of a result. Times of one row are in one unit. */
export interface Row {
  /** What was measured: `point read, 200 tenants, 1 client`. */
  readonly what: string
  readonly unit: string
  /** How many single measurements stand behind the row. */
  readonly n: number
  readonly p50: number
  readonly p95?: number
  readonly p99?: number
  readonly p999?: number
  /** Median over the rounds of this row's p50 by the reference's p50 in the same round. */
  readonly ratio?: number
  /** The least and the greatest of those ratios. */
  readonly ratioRange?: readonly [number, number]
  /** What the ratio is to. */
  readonly reference?: string
  /** What was hoped for, and whether it was reached. */
  readonly aim?: { readonly text: string; readonly met: boolean }
}

export interface BenchContext {
  /** Smaller sizes, so that each bench takes some 10 seconds, or 20 with all planes. */
  readonly quick: boolean
  /** Empty at the start, removed at the end. */
  readonly directory: string
  /** Tells whoever waits how far it is. */
  readonly say: (line: string) => void
}

/** What a file `<name>.bench.ts` exports as `bench`. */
export interface Bench {
  readonly title: string
  run(context: BenchContext): Promise<readonly Row[]>
}
