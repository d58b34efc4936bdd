import { hash } from 'node:crypto'
import type pg from 'pg'
import { type MeterConfig, meterSchema } from '../contracts/meter.ts'
import { type MeteringDatabase, ROLL_LOCK } from './metering-database.ts'

/** The meters that rollups are kept of. Read by each round: those of a process may be behind. */
export async function keptMeters(client: pg.ClientBase): Promise<readonly MeterConfig[]> {
  const { rows } = await client.query<{ spec: unknown }>(
    'select spec from usage.meter order by name',
  )
  return rows.map(({ spec }) => meterSchema.parse(spec))
}

/**
 * Makes rollups those of a configuration's meters. What is new or different is measured from the events
 * again, all that there are; what is gone is forgotten, and could be had again from them.
 *
 * @param version of the configuration: an older one than the kept is ignored
 * @returns whether anything changed
 */
export function keepMeters(
  database: MeteringDatabase,
  meters: readonly MeterConfig[],
  version: number,
): Promise<boolean> {
  return database.transaction(async ({ client }) => {
    await client.query('select pg_advisory_xact_lock($1)', [ROLL_LOCK])
    const newer = await client.query(
      `insert into usage.meters_version (version) values ($1)
        on conflict (single) do update set version = excluded.version
          where usage.meters_version.version <= excluded.version returning version`,
      [version],
    )
    if (newer.rowCount === 0) return false
    const { rows } = await client.query<{ name: string; hash: string }>(
      'select name, hash from usage.meter',
    )
    const before = new Map(rows.map(({ name, hash }) => [name, hash]))
    const changed = meters.filter((meter) => before.get(meter.name) !== hashOf(meter))
    const names = new Set<string>(meters.map(({ name }) => name))
    const gone = [...before.keys()].filter((name) => !names.has(name))
    const over = [...gone, ...changed.map(({ name }) => name)]
    if (over.length === 0) return false
    for (const table of ['rollup', 'member']) {
      await client.query(`delete from usage.${table} where meter = any($1)`, [over])
    }
    await client.query('delete from usage.meter where name = any($1)', [over])
    for (const meter of changed) {
      await client.query('insert into usage.meter (name, spec, hash) values ($1, $2, $3)', [
        meter.name,
        JSON.stringify(meter),
        hashOf(meter),
      ])
    }
    if (changed.length > 0) await markAll(client)
    return true
  })
}

/** Has every minute that has events measured anew. In the transaction of `client`. */
export async function markAll(client: pg.ClientBase): Promise<void> {
  await client.query(`insert into usage.dirty (tenant, minutes)
    select tenant, array_agg(distinct date_trunc('minute', time)) from usage.event
      group by tenant, date_trunc('hour', time)`)
}

const hashOf = (meter: MeterConfig) => hash('sha256', JSON.stringify(meter), 'hex')
