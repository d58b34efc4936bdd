import type pg from 'pg'

/**
 * Brings a schema up to date by numbered steps: each runs once, in a transaction of its own, and is
 * entered in the schema's table `migration`. The caller holds whatever keeps others out.
 */
export async function migrate(
  client: pg.ClientBase,
  schema: string,
  steps: readonly string[],
): Promise<void> {
  await client.query(`create table if not exists ${schema}.migration
    (number int primary key, applied_at timestamptz not null default now())`)
  const { rows } = await client.query<{ number: number }>(`select number from ${schema}.migration`)
  const done = new Set(rows.map((row) => row.number))
  for (const [index, sql] of steps.entries()) {
    if (done.has(index + 1)) continue
    await client.query('begin')
    try {
      await client.query(sql)
      await client.query(`insert into ${schema}.migration (number) values ($1)`, [index + 1])
      await client.query('commit')
    } catch (error) {
      await client.query('rollback')
      throw error
    }
  }
}
