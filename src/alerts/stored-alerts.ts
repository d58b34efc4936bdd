import type {
  AlertChange,
  AlertMessage,
  AlertRow,
  AlertStore,
  ClaimedMessage,
} from './alert-store.ts'
import { MESSAGE_DAYS } from './alert-tables.ts'
import { alertSignalSchema, type Owner, type Severity } from './alert.ts'
import type { Notice } from './notice.ts'
import type { Silence } from './silence.ts'

type Values = readonly unknown[]

/** What is needed of a database: `Database` of the control plane is one. */
export interface AlertDatabase {
  query<Row extends object>(sql: string, values?: Values): Promise<readonly Row[]>
  transaction<T>(work: (tx: Pick<AlertDatabase, 'query'>) => Promise<T>): Promise<T>
}

/** Dates as JSON has them. */
type StoredSignal = Readonly<Record<string, unknown>> & {
  readonly at: string
  readonly until?: string
}

interface StoredAlert {
  readonly owner: Owner
  readonly fingerprint: string
  readonly signal: StoredSignal
  readonly since: Date
  readonly changed_at: Date
  readonly told_severity: Severity | null
  readonly told_at: Date | null
}

interface StoredSilence {
  readonly owner: Owner
  readonly id: string
  readonly name: string | null
  readonly labels: Readonly<Record<string, string>>
  readonly until: Date
  readonly set_by: string
  readonly reason: string
}

interface StoredMessage {
  readonly notice: Notice
  readonly sink: string
  readonly attempts: number
  readonly age: number
}

/** In the schema `alerts`. What was delivered is kept for 30 days. */
export class StoredAlerts implements AlertStore {
  readonly #database: AlertDatabase

  constructor(database: AlertDatabase) {
    this.#database = database
  }

  async load() {
    const alerts = await this.#database.query<StoredAlert>('select * from alerts.alert')
    const silences = await this.#database.query<StoredSilence>('select * from alerts.silence')
    return { alerts: alerts.map(alertOf), silences: silences.map(silenceOf) }
  }

  save({ kept, gone, messages }: AlertChange): Promise<void> {
    return this.#database.transaction(async (tx) => {
      for (const row of kept) {
        await tx.query(
          `insert into alerts.alert
             (owner, fingerprint, signal, since, changed_at, told_severity, told_at)
           values ($1, $2, $3, $4, $5, $6, $7)
           on conflict (owner, fingerprint) do update set signal = excluded.signal,
             since = excluded.since, changed_at = excluded.changed_at,
             told_severity = excluded.told_severity, told_at = excluded.told_at`,
          valuesOf(row),
        )
      }
      for (const { owner, fingerprint } of gone) {
        await tx.query('delete from alerts.alert where owner = $1 and fingerprint = $2', [
          owner,
          fingerprint,
        ])
      }
      for (const { notice, sink } of messages) {
        await tx.query(
          `insert into alerts.message (owner, notice, sink, body) values ($1, $2, $3, $4)
           on conflict do nothing`,
          [notice.owner, notice.id, sink, JSON.stringify(notice)],
        )
      }
    })
  }

  async enterSilence({ owner, id, name, labels, until, by, reason }: Silence): Promise<void> {
    await this.#database.query(
      `insert into alerts.silence (owner, id, name, labels, until, set_by, reason)
       values ($1, $2, $3, $4, $5, $6, $7)`,
      [owner, id, name ?? null, JSON.stringify(labels), until, by, reason],
    )
  }

  async removeSilence(owner: Owner, id: string): Promise<void> {
    await this.#database.query('delete from alerts.silence where owner = $1 and id::text = $2', [
      owner,
      id,
    ])
  }

  erase(owner: Owner): Promise<void> {
    return this.#database.transaction(async (tx) => {
      for (const table of ['alert', 'silence', 'message']) {
        await tx.query(`delete from alerts.${table} where owner = $1`, [owner])
      }
    })
  }

  async claim(max: number, milliseconds: number): Promise<readonly ClaimedMessage[]> {
    return this.#database.query<StoredMessage>(
      `update alerts.message m
          set next_at = clock_timestamp() + make_interval(secs => $2::float8 / 1000)
         from (select owner, notice, sink from alerts.message
                where delivered_at is null and given_up_at is null
                  and next_at <= clock_timestamp()
                order by next_at limit $1 for update skip locked) due
        where (m.owner, m.notice, m.sink) = (due.owner, due.notice, due.sink)
       returning m.body as notice, m.sink, m.attempts,
         (extract(epoch from clock_timestamp() - m.entered_at) * 1000)::float8 as age`,
      [max, milliseconds],
    )
  }

  async delivered({ notice, sink }: AlertMessage): Promise<void> {
    await this.#database.query(
      `update alerts.message set delivered_at = clock_timestamp(), attempts = attempts + 1,
         last_error = null where owner = $1 and notice = $2 and sink = $3`,
      [notice.owner, notice.id, sink],
    )
    await this.#database.query(
      `delete from alerts.message where entered_at < clock_timestamp() - make_interval(days => $1)
         and (delivered_at is not null or given_up_at is not null)`,
      [MESSAGE_DAYS],
    )
  }

  async failed(
    { notice, sink }: AlertMessage,
    why: string,
    pauseMs: number | undefined,
  ): Promise<void> {
    await this.#database.query(
      `update alerts.message set attempts = attempts + 1, last_error = $4,
         next_at = clock_timestamp() + make_interval(secs => coalesce($5::float8, 0) / 1000),
         given_up_at = case when $5 is null then clock_timestamp() end
       where owner = $1 and notice = $2 and sink = $3`,
      [notice.owner, notice.id, sink, why, pauseMs ?? null],
    )
  }
}

function valuesOf({ owner, fingerprint, signal, since, changedAt, told }: AlertRow): Values {
  return [
    owner,
    fingerprint,
    JSON.stringify(signal),
    new Date(since),
    new Date(changedAt),
    told?.severity ?? null,
    told === undefined ? null : new Date(told.at),
  ]
}

function alertOf(row: StoredAlert): AlertRow {
  const { at, until, ...signal } = row.signal
  return {
    owner: row.owner,
    fingerprint: row.fingerprint,
    signal: alertSignalSchema.parse({
      ...signal,
      at: new Date(at),
      ...(until === undefined ? {} : { until: new Date(until) }),
    }),
    since: row.since.getTime(),
    changedAt: row.changed_at.getTime(),
    told:
      row.told_at === null
        ? undefined
        : { severity: row.told_severity ?? undefined, at: row.told_at.getTime() },
  }
}

function silenceOf({ set_by: by, name, ...row }: StoredSilence): Silence {
  return { ...row, by, name: name ?? undefined }
}
