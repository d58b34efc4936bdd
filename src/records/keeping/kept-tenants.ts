import { z } from 'zod'
import type { AuditEntry } from '../../audit/entry.ts'
import { submitEntries } from '../../audit/submit-entries.ts'
import { prepareSchema } from '../../database/prepare-schema.ts'
import { parsed } from '../../core/parsed.ts'
import { parseTenantId, type TenantId } from '../../core/tenant.ts'
import { LogDatabase, logError, type LogDatabaseSettings } from '../log/log-database.ts'
import { KEEPING_MIGRATIONS } from './keeping-migrations.ts'

/** Serialises preparing processes. The number is "keep" in ASCII. */
const PREPARE_LOCK = 0x6b656570

/** What the registry says of how a tenant's records are kept. */
const keptRow = z.object({
  id: parsed(parseTenantId),
  status: z.string(),
  legal_hold: z.boolean(),
  audit_days: z.int().nullable(),
})
export type KeptTenant = z.output<typeof keptRow>

/** A tenant that was erased, and what the records plane has done about it. */
export interface ErasedTenant {
  readonly tenant: TenantId
  readonly erasedAt: Date
  /** Its id is nobody's since. */
  readonly isGone: boolean
  /** Entries of its log of which all is erased; undefined: nothing is done yet. */
  readonly doneTo: number | undefined
}

interface ErasedRow extends Record<string, unknown> {
  readonly tenant: string
  readonly erased_at: Date
  readonly gone: boolean
  readonly log_size: string | null
}

/** The registry's word on tenants, and what was erased by it, in the control database. */
export class KeptTenants {
  readonly #database: LogDatabase

  private constructor(database: LogDatabase) {
    this.#database = database
  }

  /** @throws RingfenceError `engine_unavailable`, `not_writable` */
  static async open(settings: LogDatabaseSettings): Promise<KeptTenants> {
    await prepare(settings)
    return new KeptTenants(new LogDatabase(settings))
  }

  async all(): Promise<readonly KeptTenant[]> {
    const rows = await this.#database.query(
      'select id, status, legal_hold, audit_days from registry.kept_tenant',
    )
    return rows.map((row) => keptRow.parse(row))
  }

  async get(tenant: TenantId): Promise<KeptTenant | undefined> {
    const [row] = await this.#database.query(
      'select id, status, legal_hold, audit_days from registry.kept_tenant where id = $1',
      [tenant],
    )
    return row === undefined ? undefined : keptRow.parse(row)
  }

  /** Tenants that are, or once were, erased. */
  async erased(): Promise<readonly ErasedTenant[]> {
    const rows = await this.#database.query<ErasedRow>(
      `select e.tenant, e.erased_at, t.status = 'erased' as gone, d.log_size
       from registry.erased_tenant e
       join registry.kept_tenant t on t.id = e.tenant
       left join records.erased_tenant d on (d.tenant, d.erased_at) = (e.tenant, e.erased_at)
       order by e.erased_at`,
    )
    return rows.map((row) => ({
      tenant: parseTenantId(row.tenant),
      erasedAt: row.erased_at,
      isGone: row.gone,
      doneTo: row.log_size === null ? undefined : Number(row.log_size),
    }))
  }

  /** What is done about an erasure, with its entry in the platform's log: neither is there without the other. */
  async done(
    { tenant, erasedAt }: ErasedTenant,
    logSize: number,
    entries: readonly AuditEntry[],
  ): Promise<void> {
    await this.#database.transaction(async ({ client }) => {
      await client.query(
        `insert into records.erased_tenant (tenant, erased_at, log_size) values ($1, $2, $3)
         on conflict (tenant, erased_at)
         do update set log_size = excluded.log_size, done_at = clock_timestamp()`,
        [tenant, erasedAt, logSize],
      )
      await submitEntries(client, entries)
    })
  }

  close(): Promise<void> {
    return this.#database.close()
  }
}

function prepare(settings: LogDatabaseSettings): Promise<void> {
  const tables = {
    schema: 'records',
    table: 'keeping_migration',
    steps: KEEPING_MIGRATIONS,
    lock: PREPARE_LOCK,
  }
  return prepareSchema(settings, tables, logError)
}
