import type { DataPlan } from './data-spec.ts'

/** One INSERT that makes all of a tenant's rows of one table inside the server. */
export interface DataStatement {
  readonly table: string
  readonly text: string
  readonly values: readonly unknown[]
}

/** SQL fragments for rows that depend on the seed and on nothing else. */
export interface Fragments {
  readonly tenant: string
  /** Binds a value and returns its placeholder. */
  bind(value: unknown): string
  /** The id of row `n` of a kind, whatever the tenant. */
  id(kind: string, n: string): string
  /** A FROM item `alias (n, h)`: `count` numbers from 0, each with 64 random bits. */
  numbered(kind: string, count: number, alias: string): string
  /** 64 random bits for a row that is known by its id. */
  hashOf(kind: string, id: string): string
  /** One of the words, chosen by 16 of the 64 bits: part 0 to 3. */
  pick(words: readonly string[], hash: string, part: number): string
}

/** 16 of the 64 bits, as an integer from 0 to 65535. */
export const bits = (hash: string, part: number) => `((${hash} >> ${part * 16}) & 65535)::integer`

/** 16 of the 64 bits, as a number from 0 up to but not 1. */
export const fraction = (hash: string, part: number) => `(${bits(hash, part)} / 65536::float8)`

/** As `fraction`, small numbers more often. Multiplication only: it is exact on every machine. */
export const skewed = (hash: string, part: number) =>
  `(${fraction(hash, part)} * ${fraction(hash, part)})`

/** Puts a statement together; `build` returns its text. */
export function statement(
  table: string,
  tenantKey: string,
  plan: DataPlan,
  build: (sql: Fragments) => string,
): DataStatement {
  const values: unknown[] = [tenantKey, String(plan.seed)]
  const bind = (value: unknown) => `$${values.push(value)}`
  // OFFSET 0 keeps the planner from computing the hash again at each use.
  const text = build({
    tenant: '$1::uuid',
    bind,
    id: (kind, n) => `md5($2::text || ':${kind}:' || ${n})::uuid`,
    numbered: (kind, count, alias) =>
      `(select n, hashtextextended('${kind}:' || n, $2::text::bigint) as h
          from generate_series(0, ${count - 1}) n offset 0) ${alias}`,
    hashOf: (kind, id) => `hashtextextended('${kind}:' || ${id}, $2::text::bigint)`,
    pick: (words, hash, part) =>
      `(${bind(words)}::text[])[1 + ${bits(hash, part)} % ${words.length}]`,
  })
  return { table, text, values }
}
