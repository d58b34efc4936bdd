import type { IdentityDatabase, Rows } from '../../identity/identity-database.ts'

type Query = Rows['query']

/** Puts something around every query of a database, in transactions too. In its place. */
export function aroundQueries(
  database: IdentityDatabase,
  around: (sql: string, values: readonly unknown[]) => readonly [string, readonly unknown[]],
): void {
  const query: Query = database.query.bind(database)
  const transaction = database.transaction.bind(database)
  const through = (inner: Query): Query => {
    return (sql, values = []) => inner(...around(sql, values))
  }
  database.query = through(query)
  database.transaction = (work) =>
    transaction((tx) => work({ ...tx, query: through(tx.query.bind(tx)) }))
}

/** What is done every two seconds, whoever asks for what. */
const BY_ITSELF = /\b(?:identity\.logout_notice|revocation\.detected_session)\b/

/** Counts those that somebody's request is the cause of. */
export function countedQueries(database: IdentityDatabase, worked: { queries: number }): void {
  aroundQueries(database, (sql, values) => {
    if (!BY_ITSELF.test(sql)) worked.queries += 1
    return [sql, values]
  })
}
