import type { AlertSink } from '../../alerts/alert-sink.ts'
import { type Owner, ownerOf } from '../../alerts/alert.ts'
import { makeEntry } from '../../audit/make-entry.ts'
import { submitEntries } from '../../audit/submit-entries.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { PooledDatabase, Queries, Tx } from '../../database/pooled-database.ts'
import type { KeyEncryptionKeys } from '../log/key-encryption.ts'
import {
  type AlertSinkInput,
  type AlertSinkSettings,
  alertSinkSettingsSchema,
  parseAlertSecrets,
  partedAlertSink,
} from './alert-sink-settings.ts'
import { agreedOf, forgetAddresses, forgetUnnamed, type MailAddresses } from './mail-addresses.ts'
import { type AlertSinkWays, makeAlertSink } from './make-alert-sink.ts'

const SINKS_MAX = 8
/** Serialises those who set sinks of one tenant. The number is "asnk" in ASCII. */
const SET_LOCK = 0x61736e6b

/** What is told of a sink: never a secret. */
export interface ShownAlertSink {
  readonly name: string
  readonly settings: AlertSinkSettings
  readonly setBy: string
  readonly setAt: Date
  /** When it took a notice last. */
  readonly deliveredAt: Date | undefined
  /** The code of what its last try ended with, of a notice that it has not taken. */
  readonly lastError: string | undefined
  /** Addresses that have not agreed: nothing is mailed there. */
  readonly unconfirmed: readonly string[]
}

export interface AlertSinkActor {
  readonly subject: string
  readonly requestId: string
}

interface Row extends Record<string, unknown> {
  readonly name: string
  readonly settings: unknown
  readonly secrets: Buffer
  readonly set_by: string
  readonly set_at: Date
}

export interface TenantAlertSinksOptions extends AlertSinkWays {
  readonly mail: MailAddresses | undefined
  readonly database: Pick<PooledDatabase, 'query' | 'transaction'>
  /** Seal secrets. */
  readonly keys: KeyEncryptionKeys
  /** Whether a tenant is one now, and not suspended. */
  readonly isActive: (tenant: TenantId) => boolean
}

/** Where tenants have their own alerts sent. Every question names the tenant. */
export class TenantAlertSinks {
  readonly #options: TenantAlertSinksOptions

  constructor(options: TenantAlertSinksOptions) {
    this.#options = options
  }

  /** @throws RingfenceError `invalid_argument` for a place that may not be sent to */
  check(tenant: TenantId, name: string, sink: AlertSinkInput): void {
    const { settings, secrets } = partedAlertSink(sink)
    makeAlertSink({ owner: ownerOf(tenant), name }, settings, secrets, this.#options)
  }

  /** Those that a notice goes to. What cannot be opened is nowhere to send to, and is shown as it is. */
  async of(tenant: TenantId): Promise<readonly AlertSink[]> {
    const { database, keys } = this.#options
    const owner = ownerOf(tenant)
    const sinks: AlertSink[] = []
    for (const { name, settings, secrets } of await rowsOf(database, owner)) {
      try {
        const read = alertSinkSettingsSchema.parse(settings)
        const text = keys.unwrap(secrets, boundTo(owner, name)).toString('utf8')
        const own = parseAlertSecrets(read.kind, JSON.parse(text))
        sinks.push(
          this.#whileActive(tenant, makeAlertSink({ owner, name }, read, own, this.#options)),
        )
      } catch {
        sinks.push({ owner, name, deliver: () => Promise.reject(unusable()) })
      }
    }
    return sinks
  }

  async list(tenant: TenantId): Promise<readonly ShownAlertSink[]> {
    const { database } = this.#options
    const agreed = await agreedOf(database, ownerOf(tenant))
    const rows = await database.query<
      Row & { readonly delivered_at: Date | null; readonly last_error: string | null }
    >(
      `select s.name, s.settings, s.set_by, s.set_at,
         (select max(delivered_at) from alerts.message m
           where m.owner = s.owner and m.sink = s.name) as delivered_at,
         (select last_error from alerts.message m
           where m.owner = s.owner and m.sink = s.name and delivered_at is null
             and last_error is not null and m.entered_at >= s.set_at
           order by entered_at desc limit 1) as last_error
       from alerts.sink s where s.owner = $1 order by s.name`,
      [ownerOf(tenant)],
    )
    return rows.map((row) => {
      const settings = alertSinkSettingsSchema.parse(row.settings)
      const named = settings.kind === 'mail' ? settings.to : []
      return {
        ...{ name: row.name, settings, setBy: row.set_by, setAt: row.set_at },
        deliveredAt: row.delivered_at ?? undefined,
        lastError: row.last_error ?? undefined,
        unconfirmed: named.filter((address) => !agreed.has(address)),
      }
    })
  }

  /** @throws RingfenceError `not_found` */
  async get(tenant: TenantId, name: string): Promise<ShownAlertSink> {
    const found = (await this.list(tenant)).find((one) => one.name === name)
    if (found === undefined) throw nothing()
    return found
  }

  /**
   * Makes a sink, or changes one. Those whom it would mail are asked, unless they have agreed before.
   * @throws RingfenceError `conflict` when there are too many; `rate_limited`, and nothing is changed;
   *   `engine_unavailable` when the sink is made and somebody could not be asked: set it again
   */
  async put(
    tenant: TenantId,
    name: string,
    sink: AlertSinkInput,
    by: AlertSinkActor,
  ): Promise<void> {
    const { database, keys, mail } = this.#options
    const owner = ownerOf(tenant)
    const { settings, secrets } = partedAlertSink(sink)
    const sealed = keys.wrap(Buffer.from(JSON.stringify(secrets)), boundTo(owner, name))
    const asked = await database.transaction(async (tx) => {
      await tx.query('select pg_advisory_xact_lock($1, hashtext($2))', [SET_LOCK, owner])
      const others = await tx.query('select 1 from alerts.sink where owner = $1 and name <> $2', [
        owner,
        name,
      ])
      if (others.length >= SINKS_MAX) {
        throw new RingfenceError('conflict', `a tenant has ${SINKS_MAX} sinks at most`)
      }
      await tx.query(
        `insert into alerts.sink (owner, name, settings, secrets, set_by)
         values ($1, $2, $3, $4, $5)
         on conflict (owner, name) do update set settings = excluded.settings,
           secrets = excluded.secrets, set_by = excluded.set_by, set_at = clock_timestamp()`,
        [owner, name, JSON.stringify(settings), sealed, by.subject],
      )
      await forgetUnnamed(tx, owner)
      await enter(tx, tenant, name, 'sink.set', by, { kind: settings.kind })
      return settings.kind === 'mail' ? ((await mail?.ask(tx, owner, settings.to)) ?? []) : []
    })
    await mail?.tell(owner, asked)
  }

  /**
   * Somebody who reads the mail of an address of a sink has told the code that went there.
   * @throws RingfenceError `not_found` for an address that the sink does not have; `invalid_argument` for
   *   another code
   */
  async confirm(
    tenant: TenantId,
    name: string,
    { address, code }: { readonly address: string; readonly code: string },
    by: AlertSinkActor,
  ): Promise<void> {
    const { database, mail } = this.#options
    const { settings, unconfirmed } = await this.get(tenant, name)
    if (settings.kind !== 'mail' || !settings.to.includes(address)) throw nothing()
    if (!unconfirmed.includes(address)) return
    const owner = ownerOf(tenant)
    if (mail === undefined || !(await mail.isCode(owner, address, code))) {
      throw new RingfenceError(
        'invalid_argument',
        'this is not the code, or it is not good any more',
      )
    }
    await database.transaction(async (tx) => {
      await mail.agreed(tx, owner, address, by.subject)
      await enter(tx, tenant, name, 'sink.confirmed', by, {})
    })
  }

  /** What was on its way to it is not sent any more. @throws RingfenceError `not_found` */
  async remove(tenant: TenantId, name: string, by: AlertSinkActor): Promise<void> {
    await this.#options.database.transaction(async (tx) => {
      const gone = await tx.query(
        'delete from alerts.sink where owner = $1 and name = $2 returning name',
        [ownerOf(tenant), name],
      )
      if (gone.length === 0) throw nothing()
      await forgetUnnamed(tx, ownerOf(tenant))
      await enter(tx, tenant, name, 'sink.removed', by, {})
    })
  }

  /** All sinks of a tenant that is no more. */
  async erase(tenant: TenantId): Promise<void> {
    const owner = ownerOf(tenant)
    await this.#options.database.transaction(async (tx) => {
      await tx.query('delete from alerts.sink where owner = $1', [owner])
      await forgetAddresses(tx, owner)
    })
  }

  /** Seals anew, with the key in use, what an older one has sealed. @returns how many it were */
  async reseal(): Promise<number> {
    const { database, keys } = this.#options
    const rows = await database.query<Row & { readonly owner: Owner }>('select * from alerts.sink')
    const stale = rows.filter(({ secrets }) => keys.isStale(secrets))
    for (const { owner, name, secrets } of stale) {
      const bound = boundTo(owner, name)
      await database.query(
        'update alerts.sink set secrets = $4 where owner = $1 and name = $2 and secrets = $3',
        [owner, name, secrets, keys.wrap(keys.unwrap(secrets, bound), bound)],
      )
    }
    return stale.length
  }

  /** Nothing leaves while a tenant is suspended, or nobody knows whether it is: it is tried again. */
  #whileActive(tenant: TenantId, sink: AlertSink): AlertSink {
    const { isActive } = this.#options
    return {
      ...{ owner: sink.owner, name: sink.name },
      async deliver(notice) {
        if (!isActive(tenant)) {
          throw new RingfenceError('engine_unavailable', 'the tenant is suspended')
        }
        await sink.deliver(notice)
      },
    }
  }
}

function rowsOf(database: Queries, owner: Owner): Promise<readonly Row[]> {
  return database.query<Row>('select * from alerts.sink where owner = $1 order by name', [owner])
}

const boundTo = (owner: Owner, name: string) => `ringfence alert sink\n${owner}\n${name}`

/** In the transaction of the act. */
async function enter(
  tx: Tx,
  tenant: TenantId,
  name: string,
  action: string,
  by: AlertSinkActor,
  detail: Readonly<Record<string, string>>,
): Promise<void> {
  const entry = makeEntry({
    ...{ tenant, category: 'configuration', action, detail },
    actor: { kind: 'user', id: by.subject },
    object: { type: 'alert-sink', id: name },
    ...{ decision: 'done', layer: 'records', request_id: by.requestId },
  })
  await submitEntries(tx.client, [entry])
}

function nothing(): RingfenceError {
  return new RingfenceError('not_found', 'there is no such sink')
}

function unusable(): RingfenceError {
  return new RingfenceError('not_writable', 'its settings cannot be opened: set it again')
}
