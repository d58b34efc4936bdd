import { RingfenceError } from '../core/errors.ts'
import type { Subject } from '../core/names.ts'
import type { TenantId } from '../core/tenant.ts'
import type { IdentityDatabase, Rows } from './identity-database.ts'
import type { EndAccess } from './provider/end-access.ts'
import { makeRealmSecret } from './provider/realm-secret.ts'
import {
  type RealmSettings,
  type RealmSettingsInput,
  realmSettingsSchema,
} from './provider/realm-settings.ts'
import { lockRealm, type RealmKeys } from './realm-keys.ts'
import type { SealingKey } from './sealing-key.ts'
import { enterChange } from './entering.ts'

export interface Principal {
  readonly roles: readonly string[]
  readonly scopes: readonly string[]
}

export interface RealmStoreOptions {
  readonly database: IdentityDatabase
  readonly keys: RealmKeys
  readonly sealing: SealingKey
  readonly endAccess: EndAccess
  /** What issuers of realms without a domain of their own begin with, `https://id.example.com`. */
  readonly origin: string
}

/** A realm's row. */
export interface RealmRow {
  readonly tenant: TenantId
  readonly issuer: string
  readonly displayName: string
  readonly open: boolean
  readonly version: number
  readonly settings: RealmSettings
  readonly sealedSecret: Buffer
}

/** Realms, their settings and their users. Every query names the realm. */
export class RealmStore {
  readonly #options: RealmStoreOptions

  constructor(options: RealmStoreOptions) {
    this.#options = options
  }

  /** Makes the realm, open and with its first keys; or finds it, and takes its new display name. */
  async ensure(tenant: TenantId, displayName: string): Promise<void> {
    const { database, keys, sealing } = this.#options
    await database.transaction(async (rows) => {
      const settings = realmSettingsSchema.parse({})
      const made = await rows.query(
        `insert into identity.realm (tenant, issuer, display_name, settings, sealed_secret)
         values ($1, $2, $3, $4, $5)
         on conflict (tenant) do update set display_name = excluded.display_name,
           issuer = case when realm.domain is null then excluded.issuer else realm.issuer end,
           sealed_secret = coalesce(realm.sealed_secret, excluded.sealed_secret),
           changed_at = now()
         where (realm.display_name, realm.domain is null and realm.issuer <> excluded.issuer,
           realm.sealed_secret is null) is distinct from (excluded.display_name, false, false)
         returning tenant`,
        [
          tenant,
          this.#issuerOf(tenant, settings),
          displayName,
          JSON.stringify({}),
          makeRealmSecret(sealing, tenant),
        ],
      )
      const [row] = await rows.query<SettingsRow>(
        'select settings from identity.realm where tenant = $1',
        [tenant],
      )
      await keys.fit(rows, tenant, settingsOf(row?.settings).algorithms)
      if (made.length > 0) await enterChange(rows, tenant, 'realm.ensured', tenant)
    })
  }

  /** One query, whether the realm is there or not. */
  async find(tenant: TenantId): Promise<RealmRow | undefined> {
    const [row] = await this.#options.database.query<Row>(`${SELECT} where tenant = $1`, [tenant])
    return row === undefined ? undefined : this.#rowOf(row)
  }

  /** The version of an open realm. */
  async version(tenant: TenantId): Promise<number | undefined> {
    const [row] = await this.#options.database.query<{ version: string }>(
      'select version from identity.realm where tenant = $1 and open',
      [tenant],
    )
    return row === undefined ? undefined : Number(row.version)
  }

  /** The realm whose own host it is. One query in any case. */
  async tenantOfDomain(domain: string): Promise<TenantId | undefined> {
    const [row] = await this.#options.database.query<{ tenant: TenantId }>(
      'select tenant from identity.realm where domain = $1',
      [domain],
    )
    return row?.tenant
  }

  /** @throws RingfenceError `not_found` */
  async setOpen(tenant: TenantId, open: boolean): Promise<void> {
    await this.#change(tenant, async (rows) => {
      const changed = await rows.query(
        `update identity.realm set open = $2, changed_at = now()
         where tenant = $1 and open <> $2 returning tenant`,
        [tenant, open],
      )
      if (changed.length === 0) return
      await enterChange(rows, tenant, open ? 'realm.opened' : 'realm.closed', tenant)
      if (!open) await this.#options.endAccess.ofTenant(rows, tenant)
    })
  }

  /** Users, clients and keys are gone. Not an error when they were before. */
  async remove(tenant: TenantId): Promise<void> {
    await this.#options.database.transaction(async (rows) => {
      const gone = await rows.query(
        'delete from identity.realm where tenant = $1 returning tenant',
        [tenant],
      )
      if (gone.length === 0) return
      await enterChange(rows, tenant, 'realm.removed', tenant)
      await this.#options.endAccess.ofTenant(rows, tenant)
    })
  }

  /**
   * Takes new settings, whole. @throws RingfenceError `not_found`, `invalid_argument`; `conflict` when
   * another realm has the domain; `precondition_failed` when `version` is not the present one
   */
  async putSettings(
    tenant: TenantId,
    input: RealmSettingsInput,
    version?: number,
  ): Promise<RealmSettings> {
    const settings = parseSettings(input)
    if (settings.domain === new URL(this.#options.origin).hostname) {
      throw new RingfenceError('conflict', 'the domain is the platform’s own')
    }
    const issuer = this.#issuerOf(tenant, settings)
    await this.#change(tenant, async (rows) => {
      const taken = await rows.query(
        'select from identity.realm where tenant <> $1 and (domain = $2 or issuer = $3)',
        [tenant, settings.domain ?? null, issuer],
      )
      if (taken.length > 0) throw new RingfenceError('conflict', 'the domain is in use')
      const [before] = await rows.query<{ issuer: string; version: string }>(
        'select issuer, version from identity.realm where tenant = $1',
        [tenant],
      )
      if (version !== undefined && Number(before?.version) !== version) {
        throw new RingfenceError('precondition_failed', 'the realm was changed meanwhile')
      }
      await rows.query(
        `update identity.realm set settings = $2, domain = $3, issuer = $4, changed_at = now()
         where tenant = $1`,
        [tenant, JSON.stringify(settings), settings.domain ?? null, issuer],
      )
      await this.#options.keys.fit(rows, tenant, settings.algorithms)
      await enterChange(rows, tenant, 'realm.settings', tenant)
      // What bears the old issuer's name is nobody's any more.
      if (before?.issuer !== issuer) await this.#options.endAccess.ofTenant(rows, tenant)
    })
    return settings
  }

  /** Enters a user, or changes what it may. @throws RingfenceError `not_found`, `conflict` */
  async putUser(tenant: TenantId, subject: Subject, may: Principal): Promise<void> {
    await this.#change(tenant, async (rows) => {
      await refuseTaken(rows, 'client', tenant, subject)
      await rows.query(
        `insert into identity.account (tenant, subject, roles, scopes) values ($1, $2, $3, $4)
         on conflict (tenant, subject) do update
           set roles = excluded.roles, scopes = excluded.scopes, changed_at = now(),
             version = account.version + 1`,
        [tenant, subject, may.roles, may.scopes],
      )
      await enterChange(rows, tenant, 'user.put', subject, { ...may })
    })
  }

  async removeUser(tenant: TenantId, subject: Subject): Promise<void> {
    await this.#options.database.transaction(async (rows) => {
      const gone = await rows.query(
        'delete from identity.account where tenant = $1 and subject = $2 returning subject',
        [tenant, subject],
      )
      if (gone.length === 0) return
      await enterChange(rows, tenant, 'user.removed', subject)
      await this.#options.endAccess.ofSubject(rows, tenant, subject)
    })
  }

  #issuerOf(tenant: TenantId, { domain }: RealmSettings): string {
    return domain === undefined ? `${this.#options.origin}/realms/${tenant}` : `https://${domain}`
  }

  /** In force is what the origin of today makes of it, also where the row is from another one's time. */
  #rowOf(row: Row): RealmRow {
    const { tenant, display_name, open, version, sealed_secret } = row
    const settings = settingsOf(row.settings)
    return {
      tenant,
      issuer: this.#issuerOf(tenant, settings),
      displayName: display_name,
      open,
      version: Number(version),
      settings,
      sealedSecret: sealed_secret,
    }
  }

  async #change(tenant: TenantId, work: (rows: Rows) => Promise<void>): Promise<void> {
    await this.#options.database.transaction(async (rows) => {
      await lockRealm(rows, tenant)
      await work(rows)
    })
  }
}

const SELECT = `select tenant, display_name, open, version, settings, sealed_secret
  from identity.realm`

interface SettingsRow {
  readonly settings: RealmSettingsInput
}

interface Row extends SettingsRow {
  readonly tenant: TenantId
  readonly display_name: string
  readonly open: boolean
  readonly version: string
  readonly sealed_secret: Buffer
}

/** What was written was parsed before; what has come since has its default. */
function settingsOf(input: RealmSettingsInput | undefined): RealmSettings {
  return realmSettingsSchema.parse(input ?? {})
}

function parseSettings(input: RealmSettingsInput): RealmSettings {
  const result = realmSettingsSchema.safeParse(input)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const where = issue?.path.join('.') || 'the settings'
  throw new RingfenceError('invalid_argument', `${where}: ${issue?.message ?? 'invalid'}`)
}

/** A user and a client of one name would be one subject in tokens (RFC 9068, section 5). */
export async function refuseTaken(
  rows: Rows,
  table: 'account' | 'client',
  tenant: TenantId,
  name: string,
): Promise<void> {
  const column = table === 'account' ? 'subject' : 'client'
  const found = await rows.query(
    `select from identity.${table} where tenant = $1 and ${column} = $2`,
    [tenant, name],
  )
  if (found.length > 0) throw new RingfenceError('conflict', 'the name is taken in this realm')
}
