import { RingfenceError } from '../../core/errors.ts'
import { parseSubject, type Subject } from '../../core/names.ts'
import { OPERATORS_REALM } from '../../core/operators-realm.ts'
import type { Directory } from '../directory/directory.ts'
import type { IdentityDatabase } from '../identity-database.ts'
import type { RealmStore } from '../realm-store.ts'
import type { MailLinks } from '../sign-in/sign-in.ts'

const LISTED_MAX = 1_000

/** An account of the operators' realm. What a role means is the control plane's. */
export interface OperatorAccount {
  readonly subject: Subject
  readonly email: string | undefined
  readonly displayName: string | undefined
  readonly roles: readonly string[]
  readonly active: boolean
  readonly createdAt: Date
}

export interface OperatorInvitation {
  readonly email: string
  readonly displayName: string
  readonly roles: readonly string[]
}

export interface OperatorAccountsOptions {
  readonly database: IdentityDatabase
  readonly directory: Directory
  readonly realms: Pick<RealmStore, 'putUser'>
  readonly links: Pick<MailLinks, 'invite'>
}

/** The accounts of the operators' realm, for the control plane. Every call can be made again. */
export class LocalOperatorAccounts {
  readonly #options: OperatorAccountsOptions

  constructor(options: OperatorAccountsOptions) {
    this.#options = options
  }

  /** At most 1,000, by subject. */
  async list(): Promise<readonly OperatorAccount[]> {
    const rows = await this.#options.database.query<Row>(
      `select subject, email, display_name, roles, active, created_at from identity.account
        where tenant = $1 order by subject collate "C" limit ${LISTED_MAX}`,
      [OPERATORS_REALM],
    )
    return rows.map((row) => ({
      subject: parseSubject(row.subject),
      email: row.email ?? undefined,
      displayName: row.display_name ?? undefined,
      roles: row.roles,
      active: row.active,
      createdAt: row.created_at,
    }))
  }

  /** The account with this address, made at the first call; each call mails a new link. */
  async invite({ email, displayName, roles }: OperatorInvitation): Promise<OperatorAccount> {
    const { directory, realms, links } = this.#options
    const known = await directory.findBySignInName(OPERATORS_REALM, email)
    const { subject } =
      known ??
      (await directory.createAccount(OPERATORS_REALM, { userName: email, email, displayName }))
    await realms.putUser(OPERATORS_REALM, subject, { roles, scopes: [] })
    await links.invite(OPERATORS_REALM, subject)
    return this.#get(subject)
  }

  /** @throws RingfenceError `not_found` */
  async setRoles(subject: Subject, roles: readonly string[]): Promise<void> {
    // Whoever is not there is not made by being given roles.
    await this.#get(subject)
    await this.#options.realms.putUser(OPERATORS_REALM, subject, { roles, scopes: [] })
  }

  /** Not an error when it was gone before. */
  async remove(subject: Subject): Promise<void> {
    try {
      await this.#options.directory.removeAccount(OPERATORS_REALM, subject)
    } catch (error) {
      if (!(error instanceof RingfenceError) || error.code !== 'not_found') throw error
    }
  }

  async #get(subject: Subject): Promise<OperatorAccount> {
    const found = (await this.list()).find((one) => one.subject === subject)
    if (found === undefined) throw new RingfenceError('not_found', 'there is no such account')
    return found
  }
}

interface Row {
  readonly subject: string
  readonly email: string | null
  readonly display_name: string | null
  readonly roles: string[]
  readonly active: boolean
  readonly created_at: Date
}
