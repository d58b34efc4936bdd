import { RingfenceError } from '../../core/errors.ts'
import type { Labels, Metric, MetricSource } from './metric.ts'

const NAME = /^[a-z][a-z0-9]*(?:[._][a-z0-9]+)*$/
/** Of all sources together, in one reading: more is a mistake of ours, and is cut off. */
const SERIES_MAX = 200_000

/** A number that only rises, of a part that knows no tenants. */
export class Counter {
  readonly #values = new Map<string, { readonly labels: Labels; value: number }>()
  readonly name: string
  readonly help: string

  constructor(name: string, help: string) {
    this.name = name
    this.help = help
  }

  /** @param labels words of closed lists */
  add(amount = 1, labels: Labels = {}): void {
    const key = Object.values(labels).join(' ')
    const known = this.#values.get(key)
    if (known === undefined) this.#values.set(key, { labels, value: amount })
    else known.value += amount
  }

  get total(): number {
    return [...this.#values.values()].reduce((sum, { value }) => sum + value, 0)
  }

  metric(): Metric {
    const { name, help } = this
    return { name, help, unit: '1', kind: 'counter', points: [...this.#values.values()] }
  }
}

/** What one process has to tell. Nothing is computed before somebody reads. */
export class Registry {
  readonly #sources: MetricSource[] = []
  #cut = 0

  /** Series that were cut off at the last reading. */
  get cut(): number {
    return this.#cut
  }

  add(source: MetricSource): void {
    this.#sources.push(source)
  }

  counter(name: string, help: string): Counter {
    const counter = new Counter(name, help)
    this.add(() => [counter.metric()])
    return counter
  }

  /** A number that is looked up when somebody reads. */
  gauge(name: string, help: string, unit: string, read: () => number, labels: Labels = {}): void {
    this.add(() => [{ name, help, unit, kind: 'gauge', points: [{ labels, value: read() }] }])
  }

  /**
   * Everything, once for each name: what several sources say under one name is joined. A source that
   * throws is left out.
   * @throws RingfenceError `internal` for a name of another form
   */
  read(): readonly Metric[] {
    const byName = new Map<string, Metric>()
    let series = 0
    this.#cut = 0
    for (const metric of this.#sources.flatMap(readSafely)) {
      if (!NAME.test(metric.name)) throw new RingfenceError('internal', 'not a metric’s name')
      if (series + metric.points.length > SERIES_MAX) {
        this.#cut += metric.points.length
        continue
      }
      series += metric.points.length
      const known = byName.get(metric.name)
      byName.set(metric.name, known === undefined ? metric : joined(known, metric))
    }
    return [...byName.values()]
  }
}

function readSafely(source: MetricSource): readonly Metric[] {
  try {
    return source()
  } catch {
    return []
  }
}

function joined(a: Metric, b: Metric): Metric {
  if (a.kind === 'histogram' && b.kind === 'histogram') {
    return { ...a, points: [...a.points, ...b.points] }
  }
  if (a.kind === 'histogram' || b.kind === 'histogram') return a
  return { ...a, points: [...a.points, ...b.points] }
}
