import { RingfenceError } from '../../core/errors.ts'
import type { Subject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { Holders } from './holders.ts'
import { KnownDevices } from './limits/known-devices.ts'
import { LinkMail } from './links/link-mail.ts'
import { LinkStore, type StoredLink } from './links/link-store.ts'
import type { RecoveryRequests } from './links/recovery-requests.ts'
import type { SignInParts } from './sign-in-parts.ts'
import type {
  Caller,
  Holder,
  LinkOutcome,
  MailLinks,
  OpenLink,
  PasswordProblem,
  Refused,
} from './sign-in.ts'

const GONE = { kind: 'gone' } as const

export interface MailLinksOptions {
  readonly recovery: RecoveryRequests
  /** Something waits to be sent. */
  readonly nudge: () => void
  readonly holders: Holders
}

/** Recovery, invitations and proofs of addresses by mail. */
export class PostgresMailLinks implements MailLinks {
  readonly #parts: SignInParts
  readonly #options: MailLinksOptions
  readonly #holders: Holders
  readonly #links = new LinkStore()
  readonly #devices = new KnownDevices()
  readonly #mail: LinkMail

  constructor(parts: SignInParts, options: MailLinksOptions) {
    this.#parts = parts
    this.#options = options
    this.#holders = options.holders
    this.#mail = new LinkMail(parts.outbox)
  }

  async requestRecovery(
    caller: Caller,
    name: string,
  ): Promise<{ readonly kind: 'asked' } | { readonly kind: 'wait'; readonly seconds: number }> {
    const { seconds, mail } = await this.#parts.limits.recovery(caller, name)
    if (seconds > 0) return { kind: 'wait', seconds }
    if (mail) {
      await this.#options.recovery.enter(caller.tenant, name)
      this.#options.nudge()
    }
    return { kind: 'asked' }
  }

  async invite(tenant: TenantId, subject: Subject): Promise<void> {
    await this.#send(tenant, subject, 'invitation')
  }

  async requestVerification(
    holder: Holder & { readonly by: 'session' },
  ): Promise<{ readonly kind: 'asked' } | Refused> {
    const { database, directory, limits } = this.#parts
    const { tenant, subject } = holder
    const who = await database.transaction((rows) => this.#holders.ofSession(rows, holder))
    if ('kind' in who) return who
    const account = await directory.account(tenant, subject)
    if (account?.email === undefined || account.emailVerified) return { kind: 'refused' }
    const seconds = await limits.verification({ tenant }, subject)
    if (seconds > 0) return { kind: 'wait', seconds }
    await this.#send(tenant, subject, 'verify_email')
    return { kind: 'asked' }
  }

  async open({ tenant }: Caller, link: string): Promise<OpenLink | LinkOutcome> {
    const found = await this.#links.find(this.#parts.database, tenant, link)
    if (found === undefined) return GONE
    const account = await this.#parts.directory.account(tenant, found.subject)
    const name = account?.displayName ?? account?.userName ?? found.emailFolded
    return { purpose: found.purpose, name }
  }

  async setPassword(
    { tenant, device }: Caller,
    link: string,
    password: string,
  ): Promise<
    | { readonly kind: 'changed'; readonly device: string }
    | { readonly kind: 'weak'; readonly problem: PasswordProblem }
    | LinkOutcome
  > {
    const { database, newPasswords, passwords, endAccess } = this.#parts
    const found = await this.#links.find(database, tenant, link)
    if (found === undefined || found.purpose === 'verify_email') return GONE
    const { subject } = found
    const ready = await newPasswords.prepare(tenant, subject, password)
    if ('problem' in ready) return { kind: 'weak', problem: ready.problem }
    const outcome = await database.transaction(async (rows) => {
      const used = await this.#links.use(rows, tenant, link)
      if (used?.subject !== subject || used.purpose === 'verify_email') return GONE
      await passwords.set(rows, tenant, subject, ready.hash)
      await endAccess(rows, tenant, subject)
      const known = await this.#devices.remember(rows, tenant, subject, device)
      return { kind: 'changed', device: known } as const
    })
    // Whoever has the link has the mailbox. The password is set, whatever comes of this.
    if (outcome.kind === 'changed') await this.#verified(tenant, found).catch(() => undefined)
    return outcome
  }

  async verifyEmail(
    { tenant }: Caller,
    link: string,
  ): Promise<{ readonly kind: 'verified' } | { readonly kind: 'taken' } | LinkOutcome> {
    const { database } = this.#parts
    const found = await this.#links.find(database, tenant, link)
    if (found?.purpose !== 'verify_email') return GONE
    const used = await this.#links.use(database, tenant, link)
    return used === undefined ? GONE : this.#verified(tenant, used)
  }

  /** Only as long as the address is still the one that the link was sent to. */
  async #verified(
    tenant: TenantId,
    { subject, emailFolded }: StoredLink,
  ): Promise<{ kind: 'verified' } | { kind: 'taken' } | typeof GONE> {
    const { directory } = this.#parts
    const account = await directory.account(tenant, subject)
    if (account?.email?.toLowerCase() !== emailFolded) return GONE
    try {
      await directory.changeAccount(tenant, subject, { emailVerified: true }, account.version)
      return { kind: 'verified' }
    } catch (error) {
      if (!(error instanceof RingfenceError)) throw error
      if (error.code === 'conflict') return { kind: 'taken' }
      if (error.code === 'precondition_failed' || error.code === 'not_found') return GONE
      throw error
    }
  }

  /** @throws RingfenceError `not_found`, `invalid_argument`, `overloaded` */
  async #send(
    tenant: TenantId,
    subject: Subject,
    purpose: 'invitation' | 'verify_email',
  ): Promise<void> {
    const { database, directory } = this.#parts
    const account = await directory.account(tenant, subject)
    if (account?.active !== true) throw new RingfenceError('not_found', 'there is no such user')
    const { email } = account
    if (email === undefined) {
      throw new RingfenceError('invalid_argument', 'the user has no e-mail address')
    }
    await database.transaction((rows) => this.#mail.send(rows, tenant, account, email, purpose))
    this.#options.nudge()
  }
}
