import { aroundQueries } from '../house/around-queries.ts'
import type { Pieces } from '../house/pieces.ts'

type Parts = Pick<Pieces, 'parts'>

/** Queries of which a part is written differently, as somebody careless would. */
export function worseQueries(
  worsen: (sql: string, values: readonly unknown[]) => readonly [string, readonly unknown[]],
): Parts {
  return { parts: ({ database }) => aroundQueries(database, worsen) }
}

/** One part of some queries is another one. */
export function worseQuery(part: string | RegExp, by: string): Parts {
  return worseQueries((sql, values) => [sql.replaceAll(part, () => by), values])
}

const REALM = /\b(?:\w+\.)?tenant = \$1/g
/** What sweeps a whole realm would sweep them all. */
const SWEEPS = /model <> all|^\s*insert into/

/** Queries of these tables that do not ask for the realm. */
export function forgetting(...tables: readonly string[]): Parts {
  const of = new RegExp(`\\bidentity\\.(?:${tables.join('|')})\\b`)
  // The parameter is still there, and decides nothing.
  return worseQueries((sql, values) =>
    of.test(sql) && !SWEEPS.test(sql)
      ? [sql.replaceAll(REALM, () => '$1::text is not null'), values]
      : [sql, values],
  )
}
