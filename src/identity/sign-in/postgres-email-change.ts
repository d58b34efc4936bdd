import { RingfenceError } from '../../core/errors.ts'
import type { Subject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import { foldEmail } from '../directory/fold-name.ts'
import type { Rows } from '../identity-database.ts'
import { type MailKind, mailOf } from '../mail/mail-texts.ts'
import type { EmailChange, EmailChangeState } from './email-change.ts'
import type { Holders } from './holders.ts'
import { EMAIL_CHANGE_SECONDS, EmailChangeStore } from './links/email-change-store.ts'
import type { Holder, LinkOutcome, Refused } from './sign-in.ts'
import type { SignInParts } from './sign-in-parts.ts'
import { readRealm } from './sign-in-realm.ts'

const GONE = { kind: 'gone' } as const
/** A notice is worth reading for as long: whoever has to do something about it has to know. */
const NOTICE_SECONDS = 3 * 24 * 3_600

export interface EmailChangeOptions {
  readonly holders: Holders
  /** Something waits to be sent. */
  readonly nudge: () => void
}

/** Changes of addresses that wait in PostgreSQL. */
export class PostgresEmailChange implements EmailChange {
  readonly #parts: SignInParts
  readonly #options: EmailChangeOptions
  readonly #store = new EmailChangeStore()

  constructor(parts: SignInParts, options: EmailChangeOptions) {
    this.#parts = parts
    this.#options = options
  }

  async state(tenant: TenantId, subject: Subject): Promise<EmailChangeState> {
    const { database } = this.#parts
    const mayChange = await this.#mayChange(tenant, subject)
    return { mayChange, pending: await this.#store.pending(database, tenant, subject) }
  }

  async request(
    holder: Holder & { readonly by: 'session' },
    email: string,
  ): Promise<{ readonly kind: 'asked' } | Refused> {
    const { database, directory, limits } = this.#parts
    const { tenant, subject } = holder
    const folded = foldEmail(email)
    const who = await database.transaction((rows) => this.#options.holders.ofSession(rows, holder))
    if ('kind' in who) return who
    const account = await directory.account(tenant, subject)
    if (account === undefined || !(await this.#mayChange(tenant, subject))) return REFUSED
    if (account.email?.toLowerCase() === folded) return REFUSED
    const seconds = await limits.verification({ tenant }, subject)
    if (seconds > 0) return { kind: 'wait', seconds }
    await database.transaction(async (rows) => {
      const secret = await this.#store.make(rows, tenant, subject, email)
      await this.#mail(rows, tenant, email, account.displayName, 'change_email', secret)
      const { email: before, emailVerified } = account
      if (before !== undefined && emailVerified) {
        await this.#mail(rows, tenant, before, account.displayName, 'email_change_asked')
      }
    })
    this.#options.nudge()
    return { kind: 'asked' }
  }

  cancel(tenant: TenantId, subject: Subject): Promise<void> {
    return this.#store.remove(this.#parts.database, tenant, subject)
  }

  async open(tenant: TenantId, link: string): Promise<{ readonly name: string } | undefined> {
    const found = await this.#store.find(this.#parts.database, tenant, link)
    return found === undefined ? undefined : { name: found.name }
  }

  async confirm(
    tenant: TenantId,
    link: string,
  ): Promise<{ readonly kind: 'changed' } | { readonly kind: 'taken' } | LinkOutcome> {
    const { database, directory } = this.#parts
    const found = await this.#store.find(database, tenant, link)
    if (found === undefined || !(await this.#mayChange(tenant, found.subject))) return GONE
    const { subject, email, version, emailBefore, verifiedBefore, name } = found
    const change = { email, emailVerified: true }
    try {
      // Of two at once the version lets one through.
      await directory.changeAccount(tenant, subject, change, version)
    } catch (error) {
      if (!(error instanceof RingfenceError)) throw error
      if (error.code === 'precondition_failed' || error.code === 'not_found') return GONE
      if (error.code !== 'conflict') throw error
      await this.#store.remove(database, tenant, subject)
      return { kind: 'taken' }
    }
    await database.transaction(async (rows) => {
      await this.#store.remove(rows, tenant, subject)
      if (emailBefore === undefined || !verifiedBefore) return
      await this.#mail(rows, tenant, emailBefore, name, 'email_changed')
    })
    this.#options.nudge()
    return { kind: 'changed' }
  }

  /** Whoever signs in elsewhere, or was provisioned, has the address from there. */
  async #mayChange(tenant: TenantId, subject: Subject): Promise<boolean> {
    const { database, directory, passwords } = this.#parts
    const account = await directory.account(tenant, subject)
    if (account?.active !== true || account.externalId !== undefined) return false
    return (await passwords.read(database, tenant, subject)) !== undefined
  }

  async #mail(
    rows: Rows,
    tenant: TenantId,
    to: string,
    name: string | undefined,
    kind: MailKind,
    secret?: string,
  ): Promise<void> {
    const realm = await readRealm(rows, tenant)
    const url = secret === undefined ? undefined : `${realm.issuer}/link/${secret}`
    const seconds = secret === undefined ? NOTICE_SECONDS : EMAIL_CHANGE_SECONDS
    await this.#parts.outbox.enter(rows, tenant, seconds, (id) =>
      mailOf(kind, { id, to, realmName: realm.displayName, url, name }),
    )
  }
}

const REFUSED = { kind: 'refused' } as const
