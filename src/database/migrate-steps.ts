/** What the steps need of a connection: a client of any version of `pg` has it. */
export interface StepClient {
  query(sql: string, values?: unknown[]): Promise<{ readonly rows: readonly unknown[] }>
}

/**
 * Brings a schema up to date by numbered steps: each runs once, in a transaction of its own, and is
 * entered in a table of the schema. The caller holds whatever keeps others out.
 *
 * @param table where the steps are entered; parts that share a schema have one each
 */
export async function migrateSteps(
  client: StepClient,
  schema: string,
  steps: readonly string[],
  table = 'migration',
): Promise<void> {
  const entered = `${schema}.${table}`
  await client.query(`create table if not exists ${entered}
    (number int primary key, applied_at timestamptz not null default now())`)
  const { rows } = await client.query(`select number from ${entered}`)
  const done = new Set(rows.map((row) => (row as { readonly number: number }).number))
  for (const [index, sql] of steps.entries()) {
    if (done.has(index + 1)) continue
    await client.query('begin')
    try {
      await client.query(sql)
      await client.query(`insert into ${entered} (number) values ($1)`, [index + 1])
      await client.query('commit')
    } catch (error) {
      await client.query('rollback')
      throw error
    }
  }
}
