import { createHash } from 'node:crypto'
import pg from 'pg'
import { type SubmitClient, submitEntries } from '../../audit/submit-entries.ts'
import type { AuditEntry } from '../../audit/entry.ts'
import { messageOf, RingfenceError } from '../../core/errors.ts'
import { migrateSteps } from '../../database/migrate-steps.ts'
import { INTAKE_MIGRATIONS } from './intake-migrations.ts'

/** Serialises migrating processes. The number is "inta" in ASCII. */
const MIGRATION_LOCK = 0x696e7461
const CONNECTIONS = 4
const STATEMENT_MS = 30_000

/** A line that no log can take, and why. */
export interface Quarantined {
  readonly source: string
  readonly reason: string
  readonly line: string
}

/** How far a source has come. */
export interface SourceState {
  readonly source: string
  /** Nothing that was handed over before will come any more. Undefined: it has not said so yet. */
  readonly completeTo: Date | undefined
  readonly seenAt: Date
}

/** What waits to be moved into logs. */
export interface InboxLag {
  readonly entries: number
  readonly since: Date | undefined
}

/** The control database as the records plane sees it: the inbox, and what the intake itself keeps. */
export class IntakeDatabase {
  readonly settings: pg.ClientConfig
  readonly pool: pg.Pool

  private constructor(settings: pg.ClientConfig) {
    this.settings = { ...settings, application_name: 'ringfence-records-intake' }
    this.pool = new pg.Pool({
      ...this.settings,
      max: CONNECTIONS,
      connectionTimeoutMillis: STATEMENT_MS,
      statement_timeout: STATEMENT_MS,
    })
    // An idle connection that breaks must not end the process; the next statement reports it.
    this.pool.on('error', () => {})
  }

  /** Brings the tables up to date. @throws RingfenceError `engine_unavailable` */
  static async open(settings: pg.ClientConfig): Promise<IntakeDatabase> {
    const database = new IntakeDatabase(settings)
    const client = new pg.Client(database.settings)
    client.on('error', () => {})
    try {
      await client.connect()
      await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK])
      await migrateSteps(client, 'records', INTAKE_MIGRATIONS, 'intake_migration')
    } catch (error) {
      await database.close()
      throw unavailable(error)
    } finally {
      await client.end().catch(() => {})
    }
    return database
  }

  /** The same line, quarantined again, is there once. @throws RingfenceError `engine_unavailable` */
  async quarantine(lines: readonly Quarantined[]): Promise<void> {
    if (lines.length === 0) return
    const digests = lines.map(({ source, line }) =>
      createHash('sha256').update(`${source}\n${line}`).digest(),
    )
    await this.#query(
      `insert into records.intake_quarantine (digest, source, reason, line)
       select * from unnest($1::bytea[], $2::text[], $3::text[], $4::text[]) on conflict do nothing`,
      [
        digests,
        lines.map(({ source }) => source),
        lines.map(({ reason }) => clean(reason)),
        lines.map(({ line }) => clean(line)),
      ],
    )
  }

  /** Entries whose log cannot be reached wait with the others. @throws RingfenceError */
  async park(entries: readonly AuditEntry[]): Promise<void> {
    const client: SubmitClient = { query: (sql, values) => this.#query(sql, values) }
    await submitEntries(client, entries)
  }

  /** A step back counts for nothing. @throws RingfenceError `engine_unavailable` */
  async seen(source: string, completeTo: Date | undefined): Promise<void> {
    await this.#query(
      `insert into records.intake_source (source, complete_to) values ($1, $2)
       on conflict (source) do update set seen_at = clock_timestamp(),
         complete_to = greatest(intake_source.complete_to, excluded.complete_to)`,
      [source, completeTo ?? null],
    )
  }

  async sources(): Promise<readonly SourceState[]> {
    const rows = await this.#query<{ source: string; complete_to: Date | null; seen_at: Date }>(
      'select source, complete_to, seen_at from records.intake_source order by source',
    )
    return rows.map(({ source, complete_to, seen_at }) => ({
      source,
      completeTo: complete_to ?? undefined,
      seenAt: seen_at,
    }))
  }

  /** A source that will never come again holds up nobody after this. */
  async forget(source: string): Promise<void> {
    await this.#query('delete from records.intake_source where source = $1', [source])
  }

  async inboxLag(): Promise<InboxLag> {
    const [row] = await this.#query<{ entries: string; since: Date | null }>(
      'select entries, since from audit.waiting',
    )
    return { entries: Number(row?.entries ?? 0), since: row?.since ?? undefined }
  }

  async quarantined(): Promise<number> {
    const [row] = await this.#query<{ count: string }>(
      'select count(*) from records.intake_quarantine',
    )
    return Number(row?.count ?? 0)
  }

  async close(): Promise<void> {
    await this.pool.end()
  }

  async #query<Row extends pg.QueryResultRow>(
    sql: string,
    values: readonly unknown[] = [],
  ): Promise<readonly Row[]> {
    try {
      return (await this.pool.query<Row>(sql, [...values])).rows
    } catch (error) {
      throw unavailable(error)
    }
  }
}

/** PostgreSQL takes no NUL in texts. */
const clean = (text: string) => text.replaceAll('\0', '\ufffd').toWellFormed()

export function unavailable(error: unknown): RingfenceError {
  if (error instanceof RingfenceError) return error
  return new RingfenceError('engine_unavailable', 'the records database cannot be used', {
    detail: messageOf(error),
    cause: error,
  })
}
