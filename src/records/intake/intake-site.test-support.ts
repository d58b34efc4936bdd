import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { startSeeded } from '../../clusters/test-seed.test-support.ts'
import { AUDIT_MIGRATIONS, auditGrants } from '../../audit/migrations.ts'

/** The part of a control database that the intake knows. */
export interface IntakeSite {
  /** As the records plane's role. */
  readonly records: pg.ClientConfig
  /** As a role that may only submit. */
  readonly actor: pg.ClientConfig
  ask<Row extends pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<readonly Row[]>
  stop(): Promise<void>
}

export async function startIntakeSite(): Promise<IntakeSite> {
  const directory = await mkdtemp(join(tmpdir(), 'rf-intake-'))
  const cluster = await startSeeded({
    name: 'intake',
    directory: join(directory, 'db'),
    profile: 'silo',
  })
  const asked = new pg.Pool({ ...cluster.admin, max: 2 })
  asked.on('error', () => {})
  const password = 'of-this-test-only'
  await asked.query(
    [
      'create schema audit',
      'create schema records',
      `create role rf_records login password '${password}'`,
      `create role rf_control login password '${password}'`,
      'grant usage, create on schema records to rf_records',
      ...AUDIT_MIGRATIONS,
      ...auditGrants({
        all: ['rf_records', 'rf_control'],
        submit: ['rf_control', 'rf_records'],
        move: ['rf_records'],
      }),
    ].join(';\n'),
  )
  return {
    records: { ...cluster.admin, user: 'rf_records', password },
    actor: { ...cluster.admin, user: 'rf_control', password },
    ask: async <Row extends pg.QueryResultRow>(sql: string, values?: unknown[]) =>
      (await asked.query<Row>(sql, values)).rows,
    async stop() {
      await asked.end()
      await cluster.stop()
      await rm(directory, { recursive: true, force: true, maxRetries: 10 })
    },
  }
}
