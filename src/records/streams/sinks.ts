import { randomUUID } from 'node:crypto'
import type { LogName } from '../../audit/entry.ts'
import { makeEntry } from '../../audit/make-entry.ts'
import { submitEntries } from '../../audit/submit-entries.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { KeyEncryptionKeys } from '../log/key-encryption.ts'
import type { LogClient, LogDatabase } from '../log/log-database.ts'
import { tenantOf } from '../log/log-parts.ts'
import {
  parseSecrets,
  type SinkInput,
  type SinkSecrets,
  type SinkSettings,
  sinkSettingsSchema,
  parted,
} from './sink-settings.ts'

const SINKS_MAX = 8
/** Serialises those who set sinks of one log. The number is "sink" in ASCII. */
const SET_LOCK = 0x73696e6b
/** Nobody else takes up a sink for as long: longer than any delivery. */
const CLAIM_SECONDS = 120
const BROKEN_MS = 600_000

/** What is told of a sink: never a secret. */
export interface ShownSink {
  readonly name: string
  readonly settings: SinkSettings
  /** The index of the next entry that it gets. */
  readonly position: number
  readonly attempts: number
  readonly lastError: string | undefined
  readonly deliveredAt: Date | undefined
  /** The receiver wants no more: until it is set again nothing is sent. */
  readonly stopped: boolean
  readonly setBy: string
  readonly setAt: Date
}

/** A sink whose turn it is. */
export interface DueSink extends ShownSink {
  readonly log: LogName
  readonly revision: string
  readonly secrets: SinkSecrets
  /** Where the batch that was tried before ends. */
  readonly sendingTo: number | undefined
}

interface Row extends Record<string, unknown> {
  readonly log: LogName
  readonly name: string
  readonly revision: string
  readonly settings: unknown
  readonly secrets: Buffer
  readonly position: string
  readonly sending_to: string | null
  readonly attempts: number
  readonly last_error: string | null
  readonly delivered_at: Date | null
  readonly stopped: boolean
  readonly set_by: string
  readonly set_at: Date
}

/** Who sets or removes a sink of a tenant: it is an entry of the tenant's log. */
export interface SinkActor {
  readonly subject: string
  readonly requestId: string
}

/** Sinks of all logs, in the control database. Every question names the log. */
export class Sinks {
  readonly #database: LogDatabase
  readonly #keys: KeyEncryptionKeys

  constructor(database: LogDatabase, keys: KeyEncryptionKeys) {
    this.#database = database
    this.#keys = keys
  }

  async list(log: LogName): Promise<readonly ShownSink[]> {
    const rows = await this.#database.query<Row>(
      'select * from records.stream_sink where log = $1 order by name',
      [log],
    )
    return rows.map(shownOf)
  }

  /** @throws RingfenceError `not_found` */
  async get(log: LogName, name: string): Promise<ShownSink> {
    const [row] = await this.#database.query<Row>(
      'select * from records.stream_sink where log = $1 and name = $2',
      [log, name],
    )
    if (row === undefined) throw nothing()
    return shownOf(row)
  }

  /**
   * Makes a sink, or changes one, which goes on where it was.
   * @param start where a new one begins
   * @param by undefined: the platform, by its configuration
   * @throws RingfenceError `conflict` when there are too many
   */
  async put(
    log: LogName,
    name: string,
    sink: SinkInput['sink'],
    start: number,
    by: SinkActor | undefined,
  ): Promise<void> {
    const { settings, secrets } = parted(sink)
    const sealed = this.#keys.wrap(Buffer.from(JSON.stringify(secrets)), boundTo(log, name))
    await this.#database.transaction(async ({ client }) => {
      await client.query('select pg_advisory_xact_lock($1, hashtext($2))', [SET_LOCK, log])
      const { rowCount } = await client.query(
        'select from records.stream_sink where log = $1 and name <> $2',
        [log, name],
      )
      if ((rowCount ?? 0) >= SINKS_MAX) {
        throw new RingfenceError('conflict', `a log has ${SINKS_MAX} sinks at most`)
      }
      await client.query(
        `insert into records.stream_sink (log, name, settings, secrets, position, set_by)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (log, name) do update set revision = $7, settings = excluded.settings,
           secrets = excluded.secrets, set_by = excluded.set_by, set_at = clock_timestamp(),
           attempts = 0, stopped = false, last_error = null, next_at = clock_timestamp()`,
        [
          ...[log, name, JSON.stringify(settings), sealed, start],
          ...[by?.subject ?? 'platform', randomUUID()],
        ],
      )
      await enter(client, log, name, 'sink.set', by, { kind: settings.kind })
    })
  }

  /** @throws RingfenceError `not_found` */
  async remove(log: LogName, name: string, by: SinkActor | undefined): Promise<void> {
    await this.#database.transaction(async ({ client }) => {
      const { rowCount } = await client.query(
        'delete from records.stream_sink where log = $1 and name = $2',
        [log, name],
      )
      if (rowCount === 0) throw nothing()
      await enter(client, log, name, 'sink.removed', by, {})
    })
  }

  /** All sinks of a tenant that is no more. */
  async erase(log: LogName): Promise<number> {
    const rows = await this.#database.query(
      'delete from records.stream_sink where log = $1 returning name',
      [log],
    )
    return rows.length
  }

  /** Takes up sinks whose turn it is, so that no other process does meanwhile. */
  async claim(most: number): Promise<readonly DueSink[]> {
    const rows = await this.#database.query<Row>(
      `update records.stream_sink s set next_at = clock_timestamp() + make_interval(secs => $2)
       from (select log, name from records.stream_sink
             where not stopped and next_at <= clock_timestamp()
             order by next_at limit $1 for update skip locked) due
       where (s.log, s.name) = (due.log, due.name) returning s.*`,
      [most, CLAIM_SECONDS],
    )
    const due: DueSink[] = []
    for (const row of rows) {
      try {
        due.push(this.#dueOf(row))
      } catch {
        // One that cannot be read keeps no other waiting.
        await this.failed(row, 'its settings cannot be opened: set it again', BROKEN_MS, false)
      }
    }
    return due
  }

  /** Seals anew, with the key in use, what an older one has sealed. @returns how many it were */
  async reseal(): Promise<number> {
    const rows = await this.#database.query<Row>('select * from records.stream_sink')
    const stale = rows.filter(({ secrets }) => this.#keys.isStale(secrets))
    for (const { log, name, secrets } of stale) {
      const bound = boundTo(log, name)
      await this.#database.query(
        `update records.stream_sink set secrets = $4
         where log = $1 and name = $2 and secrets = $3`,
        [log, name, secrets, this.#keys.wrap(this.#keys.unwrap(secrets, bound), bound)],
      )
    }
    return stale.length
  }

  /** What is sent now ends there, also when it is sent again. @returns whether the sink is still the same */
  async sending({ log, name, revision }: DueSink, to: number): Promise<boolean> {
    const rows = await this.#database.query(
      `update records.stream_sink set sending_to = $4
       where log = $1 and name = $2 and revision = $3 returning name`,
      [log, name, revision, to],
    )
    return rows.length > 0
  }

  async delivered({ log, name, revision }: DueSink, to: number): Promise<void> {
    await this.#database.query(
      `update records.stream_sink set position = $4, sending_to = null, attempts = 0,
         last_error = null, delivered_at = clock_timestamp(), next_at = clock_timestamp()
       where log = $1 and name = $2 and revision = $3`,
      [log, name, revision, to],
    )
  }

  async failed(
    { log, name, revision }: Pick<DueSink, 'log' | 'name' | 'revision'>,
    why: string,
    pauseMs: number,
    stop: boolean,
  ): Promise<void> {
    await this.#database.query(
      `update records.stream_sink set attempts = attempts + 1, last_error = $4, stopped = $6,
         next_at = clock_timestamp() + make_interval(secs => $5::float8 / 1000)
       where log = $1 and name = $2 and revision = $3`,
      [log, name, revision, why.slice(0, 300), pauseMs, stop],
    )
  }

  /** Nothing to send: looked at again later. */
  async later({ log, name, revision }: DueSink, pauseMs: number): Promise<void> {
    await this.#database.query(
      `update records.stream_sink
         set next_at = clock_timestamp() + make_interval(secs => $4::float8 / 1000)
       where log = $1 and name = $2 and revision = $3`,
      [log, name, revision, pauseMs],
    )
  }

  #dueOf(row: Row): DueSink {
    const shown = shownOf(row)
    const text = this.#keys.unwrap(row.secrets, boundTo(row.log, row.name)).toString('utf8')
    return {
      ...shown,
      log: row.log,
      revision: row.revision,
      secrets: parseSecrets(shown.settings.kind, JSON.parse(text)),
      sendingTo: row.sending_to === null ? undefined : Number(row.sending_to),
    }
  }
}

const boundTo = (log: LogName, name: string) => `ringfence log sink\n${log}\n${name}`

function shownOf(row: Row): ShownSink {
  return {
    name: row.name,
    settings: sinkSettingsSchema.parse(row.settings),
    position: Number(row.position),
    attempts: row.attempts,
    lastError: row.last_error ?? undefined,
    deliveredAt: row.delivered_at ?? undefined,
    stopped: row.stopped,
    setBy: row.set_by,
    setAt: row.set_at,
  }
}

/** In the transaction of the act. The platform's own are of its configuration, which is entered elsewhere. */
async function enter(
  client: LogClient,
  log: LogName,
  name: string,
  action: string,
  by: SinkActor | undefined,
  detail: Readonly<Record<string, string>>,
): Promise<void> {
  if (by === undefined) return
  const entry = makeEntry({
    tenant: tenantOf(log),
    category: 'configuration',
    action,
    actor: { kind: 'user', id: by.subject },
    object: { type: 'audit-sink', id: name },
    decision: 'done',
    layer: 'records',
    request_id: by.requestId,
    detail,
  })
  await submitEntries(client, [entry])
}

function nothing(): RingfenceError {
  return new RingfenceError('not_found', 'there is no such sink')
}
