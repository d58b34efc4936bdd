import { randomBytes } from 'node:crypto'
import { RingfenceError } from '../../core/errors.ts'
import { parseSubject, type Subject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { IdentityDatabase, Rows } from '../identity-database.ts'
import { lockRealm } from '../realm-keys.ts'
import {
  ACCOUNT_COLUMNS,
  ACCOUNT_FILTER,
  type AccountRow,
  accountOf,
  WRITTEN_COLUMNS,
  writtenValues,
} from './account-row.ts'
import {
  type AccountValues,
  changed,
  emailFolded,
  NEW_ACCOUNT,
  valuesOf,
} from './account-values.ts'
import type { Account, AccountChange, AccountFilter, Page, PageRequest } from './directory.ts'
import type { EndAccess } from './end-access.ts'
import { checkVersion, writing } from './failed-write.ts'
import { filterSql } from './filter-sql.ts'
import { foldedOrNothing, foldName } from './fold-name.ts'
import { checkPage } from './page.ts'
import { enterChange } from '../entering.ts'

const SUBJECT_BYTES = 16
const TAKEN = 'a name, address or external id is taken in this realm'

/** The users of realms. Every query names the realm; writers of one realm wait for each other. */
export class AccountStore {
  readonly #database: IdentityDatabase
  readonly #endAccess: EndAccess

  constructor(database: IdentityDatabase, endAccess: EndAccess) {
    this.#database = database
    this.#endAccess = endAccess
  }

  account(tenant: TenantId, subject: Subject): Promise<Account | undefined> {
    return this.#one('a.subject = $2', [tenant, subject])
  }

  /** A user name comes before an address. One query, whatever the name is. */
  findBySignInName(tenant: TenantId, name: string): Promise<Account | undefined> {
    return this.#one(
      `(a.user_name_folded = $2 or (a.email_folded = $2 and a.email_verified))
       order by (a.user_name_folded = $2) is true desc limit 1`,
      [tenant, foldedOrNothing(name) ?? ''],
    )
  }

  findByExternalId(tenant: TenantId, externalId: string): Promise<Account | undefined> {
    return this.#one('a.external_id = $2', [tenant, externalId.replaceAll('\0', '')])
  }

  async page(tenant: TenantId, page: PageRequest, filter: AccountFilter): Promise<Page<Account>> {
    checkPage(page)
    const where = filterSql(filter, ACCOUNT_FILTER, 1)
    const from = `from identity.account a where a.tenant = $1${where.sql}`
    const values = [tenant, ...where.values]
    return this.#database.transaction(async (rows) => {
      // Of one moment: the count and the page.
      await rows.query('set transaction isolation level repeatable read, read only')
      const [counted] = await rows.query<{ n: string }>(`select count(*) as n ${from}`, values)
      const found = await rows.query<AccountRow>(
        `select ${ACCOUNT_COLUMNS} ${from} order by a.subject collate "C"
         limit ${page.limit} offset ${page.offset}`,
        values,
      )
      return { items: found.map(accountOf), total: Number(counted?.n ?? 0) }
    })
  }

  async create(
    tenant: TenantId,
    change: AccountChange,
    subject = parseSubject(randomBytes(SUBJECT_BYTES).toString('base64url')),
  ): Promise<Account> {
    const values = changed(NEW_ACCOUNT, change)
    return this.#database.transaction(async (rows) => {
      await lockRealm(rows, tenant)
      await refuseTaken(rows, tenant, subject, values)
      const [row] = await writing(
        TAKEN,
        rows.query<AccountRow>(
          `insert into identity.account as a
             (tenant, subject, roles, scopes, ${WRITTEN_COLUMNS.join(', ')})
           values ($1, $2, '{}', '{}', ${WRITTEN_COLUMNS.map((_, at) => `$${at + 3}`).join(', ')})
           returning ${ACCOUNT_COLUMNS}`,
          [tenant, subject, ...writtenValues(values)],
        ),
      )
      const account = accountOf(checkVersion(row, undefined, 'user'))
      await enterChange(rows, tenant, 'user.created', subject, { active: account.active })
      return account
    })
  }

  async change(
    tenant: TenantId,
    subject: Subject,
    change: AccountChange,
    expectedVersion: number | undefined,
  ): Promise<Account> {
    return this.#database.transaction(async (rows) => {
      await lockRealm(rows, tenant)
      const before = accountOf(
        checkVersion(await this.#locked(rows, tenant, subject), expectedVersion, 'user'),
      )
      const values = changed(valuesOf(before), change)
      if (JSON.stringify(values) === JSON.stringify(valuesOf(before))) return before
      await refuseTaken(rows, tenant, subject, values)
      const [row] = await writing(
        TAKEN,
        rows.query<AccountRow>(
          `update identity.account a set version = a.version + 1, changed_at = now(),
             ${WRITTEN_COLUMNS.map((column, at) => `${column} = $${at + 3}`).join(', ')}
           where a.tenant = $1 and a.subject = $2 returning ${ACCOUNT_COLUMNS}`,
          [tenant, subject, ...writtenValues(values)],
        ),
      )
      const fields = differing(valuesOf(before), values)
      const what = { fields, active: values.active }
      await enterChange(rows, tenant, 'user.changed', subject, what)
      if (before.active && !values.active) await this.#endAccess(rows, tenant, subject)
      return accountOf(checkVersion(row, undefined, 'user'))
    })
  }

  async remove(
    tenant: TenantId,
    subject: Subject,
    expectedVersion: number | undefined,
  ): Promise<void> {
    await this.#database.transaction(async (rows) => {
      await lockRealm(rows, tenant)
      checkVersion(await this.#locked(rows, tenant, subject), expectedVersion, 'user')
      // A group without this member is another version of it.
      await rows.query(
        `update identity.user_group set version = version + 1, changed_at = now()
         where tenant = $1 and id in
           (select group_id from identity.group_member where tenant = $1 and subject = $2)`,
        [tenant, subject],
      )
      await rows.query('delete from identity.account where tenant = $1 and subject = $2', [
        tenant,
        subject,
      ])
      await enterChange(rows, tenant, 'user.removed', subject)
      await this.#endAccess(rows, tenant, subject)
    })
  }

  async #locked(rows: Rows, tenant: TenantId, subject: Subject): Promise<AccountRow | undefined> {
    const [row] = await rows.query<AccountRow>(
      `select ${ACCOUNT_COLUMNS} from identity.account a
       where a.tenant = $1 and a.subject = $2 for no key update`,
      [tenant, subject],
    )
    return row
  }

  async #one(where: string, values: readonly unknown[]): Promise<Account | undefined> {
    const [row] = await this.#database.query<AccountRow>(
      `select ${ACCOUNT_COLUMNS} from identity.account a where a.tenant = $1 and ${where}`,
      values,
    )
    return row === undefined ? undefined : accountOf(row)
  }
}

/** Names of what changes. What it was and is are the user's own, and in no log. */
function differing(before: AccountValues, after: AccountValues): readonly string[] {
  return Object.entries(after)
    .filter(
      ([name, value]) =>
        JSON.stringify(new Map(Object.entries(before)).get(name)) !== JSON.stringify(value),
    )
    .map(([name]) => name)
}

/**
 * What a unique index cannot say: a client's name is nobody's subject (RFC 9068, section 5), and one
 * user's name is not the verified address of another, with which that one signs in.
 */
async function refuseTaken(
  rows: Rows,
  tenant: TenantId,
  subject: Subject,
  values: AccountValues,
): Promise<void> {
  const name = values.userName === undefined ? null : foldName(values.userName)
  const email = values.emailVerified ? (emailFolded(values.email) ?? null) : null
  const found = await rows.query(
    `select from identity.client where tenant = $1 and client = $2
     union all
     select from identity.account where tenant = $1 and subject <> $2
       and ((email_verified and email_folded = $3::text) or user_name_folded = $4::text)`,
    [tenant, subject, name, email],
  )
  if (found.length > 0) throw new RingfenceError('conflict', TAKEN)
}
