import { createHash } from 'node:crypto'
import type pg from 'pg'
import { type SubmitClient, submitEntries } from '../../audit/submit-entries.ts'
import type { AuditEntry } from '../../audit/entry.ts'
import { PooledDatabase } from '../../database/pooled-database.ts'
import { prepareSchema } from '../../database/prepare-schema.ts'
import { usableOrNot } from '../../database/server-errors.ts'
import { INTAKE_MIGRATIONS } from './intake-migrations.ts'

/** Serialises migrating processes. The number is "inta" in ASCII. */
const MIGRATION_LOCK = 0x696e7461
const APPLICATION_NAME = 'ringfence-records-intake'
const CONNECTIONS = 4
const STATEMENT_MS = 30_000

const unavailable = usableOrNot('the records database')

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
  /** For a connection of one's own. */
  readonly settings: pg.ClientConfig
  readonly #database: PooledDatabase

  private constructor(settings: pg.ClientConfig) {
    this.settings = { ...settings, application_name: APPLICATION_NAME }
    this.#database = new PooledDatabase(settings, {
      applicationName: APPLICATION_NAME,
      connections: CONNECTIONS,
      connectMs: STATEMENT_MS,
      statementMs: STATEMENT_MS,
      errorsOf: unavailable,
    })
  }

  /** Brings the tables up to date. @throws RingfenceError `engine_unavailable` */
  static async open(settings: pg.ClientConfig): Promise<IntakeDatabase> {
    const database = new IntakeDatabase(settings)
    try {
      await prepareSchema(
        database.settings,
        {
          schema: 'records',
          table: 'intake_migration',
          steps: INTAKE_MIGRATIONS,
          lock: MIGRATION_LOCK,
        },
        unavailable,
      )
    } catch (error) {
      await database.close()
      throw error
    }
    return database
  }

  /** The same line, quarantined again, is there once. @throws RingfenceError `engine_unavailable` */
  async quarantine(lines: readonly Quarantined[]): Promise<void> {
    if (lines.length === 0) return
    const digests = lines.map(({ source, line }) =>
      createHash('sha256').update(`${source}\n${line}`).digest(),
    )
    await this.#database.query(
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
    const client: SubmitClient = { query: (sql, values) => this.#database.query(sql, values) }
    await submitEntries(client, entries)
  }

  /** A step back counts for nothing. @throws RingfenceError `engine_unavailable` */
  async seen(source: string, completeTo: Date | undefined): Promise<void> {
    await this.#database.query(
      `insert into records.intake_source (source, complete_to) values ($1, $2)
       on conflict (source) do update set seen_at = clock_timestamp(),
         complete_to = greatest(intake_source.complete_to, excluded.complete_to)`,
      [source, completeTo ?? null],
    )
  }

  async sources(): Promise<readonly SourceState[]> {
    const rows = await this.#database.query<{
      source: string
      complete_to: Date | null
      seen_at: Date
    }>('select source, complete_to, seen_at from records.intake_source order by source')
    return rows.map(({ source, complete_to, seen_at }) => ({
      source,
      completeTo: complete_to ?? undefined,
      seenAt: seen_at,
    }))
  }

  /** A source that will never come again holds up nobody after this. */
  async forget(source: string): Promise<void> {
    await this.#database.query('delete from records.intake_source where source = $1', [source])
  }

  async inboxLag(): Promise<InboxLag> {
    const [row] = await this.#database.query<{ entries: string; since: Date | null }>(
      'select entries, since from audit.waiting',
    )
    return { entries: Number(row?.entries ?? 0), since: row?.since ?? undefined }
  }

  async quarantined(): Promise<number> {
    const [row] = await this.#database.query<{ count: string }>(
      'select count(*) from records.intake_quarantine',
    )
    return Number(row?.count ?? 0)
  }

  async close(): Promise<void> {
    await this.#database.close()
  }
}

/** PostgreSQL takes no NUL in texts. */
const clean = (text: string) => text.replaceAll('\0', '\ufffd').toWellFormed()
