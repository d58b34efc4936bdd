import { createHash } from 'node:crypto'
import { RingfenceError } from '../../../core/errors.ts'
import { parseSubject, type Subject } from '../../../core/names.ts'
import type { AccountChange, Directory } from '../../directory/directory.ts'
import type { IdentityDatabase } from '../../identity-database.ts'
import type { Connection } from '../connection/connection.ts'
import type { DomainStore } from '../domains/domain-store.ts'
import type { ExternalUser } from '../external-user.ts'
import { demand, FederationRefusal } from '../refusal.ts'
import { setFederatedRoles } from './federated-roles.ts'
import type { LinkStore } from './link-store.ts'
import { planSignIn, type SignInPlan } from './sign-in-plan.ts'

const SUBJECT_CHARACTERS = 32

export interface FederatedAccountsOptions {
  readonly database: IdentityDatabase
  readonly directory: Directory
  readonly links: LinkStore
  readonly domains: DomainStore
}

export interface FederatedAccount {
  readonly subject: Subject
  /** It was made just now. */
  readonly isNew: boolean
}

/** Turns who a provider names into a user of the realm. */
export class FederatedAccounts {
  readonly #options: FederatedAccountsOptions

  constructor(options: FederatedAccountsOptions) {
    this.#options = options
  }

  /** What would happen, and why. Changes nothing. */
  plan(connection: Connection, external: ExternalUser): Promise<SignInPlan> {
    return planSignIn(this.#options, connection, external)
  }

  /** The user, found, linked or made, with what is mapped. @throws FederationRefusal */
  async signIn(connection: Connection, external: ExternalUser): Promise<FederatedAccount> {
    const plan = await this.plan(connection, external)
    const account = await this.#carryOut(plan, connection, external)
    const { roles } = plan.mapping.user
    if (roles !== undefined) {
      const { tenant, id } = connection
      await setFederatedRoles(this.#options.database, tenant, id, account.subject, roles)
    }
    return account
  }

  async #carryOut(
    { step, change }: SignInPlan,
    connection: Connection,
    external: ExternalUser,
  ): Promise<FederatedAccount> {
    const { links } = this.#options
    if (step.kind === 'refuse') {
      throw new FederationRefusal(step.reason, 'by the policy of the connection')
    }
    if (step.kind === 'create') {
      return { subject: await this.#create(change, connection, external), isNew: true }
    }
    const { subject } = step.account
    if (step.kind === 'link') await this.#link(connection, external, subject)
    else await links.touch(connection, external)
    if (connection.config.updateOnSignIn) await this.#update(connection, subject, change)
    return { subject, isNew: false }
  }

  /**
   * The subject follows from who it is, so that a process that is killed between making the user and
   * linking it, or two that do it at once, come to the same user and not to two.
   */
  async #create(
    change: AccountChange,
    connection: Connection,
    external: ExternalUser,
  ): Promise<Subject> {
    const { directory } = this.#options
    const subject = subjectFor(connection, external)
    try {
      await directory.createAccount(connection.tenant, change, subject)
    } catch (error) {
      if (!isConflict(error)) throw error
      const before = await directory.account(connection.tenant, subject)
      if (before === undefined) {
        throw new FederationRefusal('name_taken', 'another user has this name or address', error)
      }
      demand(before.active, 'account_inactive', 'the user is not active')
    }
    await this.#link(connection, external, subject)
    return subject
  }

  async #link(connection: Connection, external: ExternalUser, subject: Subject): Promise<void> {
    demand(
      await this.#options.links.link(connection, external, subject),
      'already_linked',
      'the user is somebody else at the provider',
    )
  }

  /** A name or address that another user has is left as it was; it keeps nobody from signing in. */
  async #update({ tenant }: Connection, subject: Subject, change: AccountChange): Promise<void> {
    const { directory } = this.#options
    try {
      await directory.changeAccount(tenant, subject, change)
    } catch (error) {
      if (!isConflict(error)) throw error
      const { userName: _, email: __, emailVerified: ___, ...rest } = change
      await directory.changeAccount(tenant, subject, rest)
    }
  }
}

function subjectFor({ tenant, id }: Connection, { source, subject }: ExternalUser): Subject {
  const hash = createHash('sha256').update(JSON.stringify([tenant, id, source, subject]))
  return parseSubject(`f_${hash.digest('base64url').slice(0, SUBJECT_CHARACTERS)}`)
}

function isConflict(error: unknown): boolean {
  return error instanceof RingfenceError && error.code === 'conflict'
}
