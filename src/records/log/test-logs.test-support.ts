import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import pg from 'pg'
import type { AuditEntry, LogName } from '../../audit/entry.ts'
import { startSeeded } from '../../clusters/test-seed.test-support.ts'
import { parseTenantId } from '../../core/tenant.ts'
import { parseVerifierKey } from '../../transparency/verifier-key.ts'
import { verifyLog, type VerifyLog } from '../../transparency/verify-log.ts'
import { KeyEncryptionKeys } from './key-encryption.ts'
import type { LogDatabaseSettings } from './log-database.ts'
import { type LogStoreOptions, openLogStore } from './open-log-store.ts'
import type { PostgresLogStore } from './postgres-log-store.ts'

export const ORIGIN_PREFIX = 'audit.example'
export const NOVEMBER = Date.UTC(2026, 10, 15)
export const DAY = 86_400_000

/** A server in which each test gets a database of its own. */
export async function startLogServer() {
  const directory = mkdtempSync(join(tmpdir(), 'rf-logs-'))
  const cluster = await startSeeded({
    name: 'logs',
    profile: 'silo',
    directory: join(directory, 'server'),
    settings: { max_connections: '80' },
  })
  let made = 0
  return {
    cluster,
    directory,
    /** An empty database. */
    database: async (): Promise<LogDatabaseSettings> => {
      made += 1
      await asked(cluster.admin, `create database logs_${made}`)
      return { ...cluster.admin, database: `logs_${made}` }
    },
    stop: async () => {
      await cluster.stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** One statement on a connection of its own, as somebody who may do everything in the database. */
export async function asked<Row extends pg.QueryResultRow>(
  settings: LogDatabaseSettings,
  sql: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  const client = new pg.Client(settings)
  await client.connect()
  try {
    return (await client.query<Row>(sql, [...values])).rows
  } finally {
    await client.end()
  }
}

/** A clock that tests move. */
export class LogClock {
  at = NOVEMBER
  readonly now = () => this.at
  pass(milliseconds: number): void {
    this.at += milliseconds
  }
}

export async function opened(
  t: TestContext,
  options: Partial<LogStoreOptions> & { readonly database: LogDatabaseSettings },
): Promise<PostgresLogStore> {
  const store = await openLogStore({
    keys: new KeyEncryptionKeys([randomBytes(32)]),
    originPrefix: ORIGIN_PREFIX,
    ...options,
  })
  let isClosed = false
  const close = store.close.bind(store)
  store.close = async () => {
    if (isClosed) return
    isClosed = true
    await close()
  }
  t.after(() => store.close())
  return store
}

export function entryFor(tenant: string | undefined, more: Partial<AuditEntry> = {}): AuditEntry {
  return {
    id: randomUUID(),
    time: '2026-11-15T08:00:00Z',
    ...(tenant === undefined ? {} : { tenant: parseTenantId(tenant) }),
    category: 'lease',
    action: 'lease.granted',
    actor: { kind: 'workload', id: 'clinic-web' },
    decision: 'allowed',
    layer: 'budget',
    ...more,
  }
}

export const entriesFor = (tenant: string, count: number): AuditEntry[] =>
  Array.from({ length: count }, (_, n) => entryFor(tenant, { request_id: `r-${n}` }))

/** What an outsider finds, who has what is served and the log's first key. */
export async function verified(
  store: PostgresLogStore,
  log: LogName,
  more: Partial<VerifyLog> = {},
) {
  const [first] = await store.keys(log)
  assert.ok(first)
  return verifyLog({
    read: (path) => store.resource(log, path),
    keys: [parseVerifierKey(first.vkey)],
    ...more,
  })
}

export async function idsIn(store: PostgresLogStore, log: LogName): Promise<string[]> {
  const ids: string[] = []
  for (;;) {
    const some = await store.read(log, ids.length, 1_000)
    if (some.length === 0) return ids
    ids.push(...some.map(({ entry }) => entry?.id ?? 'erased'))
  }
}
