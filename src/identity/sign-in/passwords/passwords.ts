import { RingfenceError } from '../../../core/errors.ts'
import type { Subject } from '../../../core/names.ts'
import type { TenantId } from '../../../core/tenant.ts'
import type { Rows } from '../../identity-database.ts'
import type { HashQueue } from './hash-queue.ts'
import {
  HASH_COST,
  type HashCost,
  hashPassword,
  isOutdated,
  verifyPassword,
} from './password-hash.ts'
import { enterChange } from '../../entering.ts'

/** How many passwords a user cannot take again, with the one in use. */
const REMEMBERED = 3

export interface StoredPassword {
  readonly hash: string
  readonly mustChange: boolean
  readonly changedAt: Date
}

export interface PasswordsOptions {
  readonly queue: HashQueue
  /** Default what OWASP asks for. */
  readonly cost?: HashCost
}

/** The passwords of users, as hashes. */
export class Passwords {
  readonly #queue: HashQueue
  readonly #cost: HashCost
  readonly #decoy: string

  private constructor({ queue, cost = HASH_COST }: PasswordsOptions, decoy: string) {
    this.#queue = queue
    this.#cost = cost
    this.#decoy = decoy
  }

  static async open(options: PasswordsOptions): Promise<Passwords> {
    // Of a password that nobody has: verified against where there is none, at the same cost.
    return new Passwords(options, await hashPassword(crypto.randomUUID(), options.cost))
  }

  /** One query, also without a subject. */
  async read(
    rows: Rows,
    tenant: TenantId,
    subject: Subject | undefined,
  ): Promise<StoredPassword | undefined> {
    const [row] = await rows.query<{ hash: string; must_change: boolean; changed_at: Date }>(
      `select hash, must_change, changed_at from identity.password
       where tenant = $1 and subject = $2`,
      [tenant, subject ?? ''],
    )
    if (row === undefined) return undefined
    return { hash: row.hash, mustChange: row.must_change, changedAt: row.changed_at }
  }

  /**
   * One hash, whether there is a password or not.
   * @throws RingfenceError `overloaded`
   */
  async verify(
    tenant: TenantId,
    stored: StoredPassword | undefined,
    password: string,
  ): Promise<boolean> {
    const hash = stored?.hash ?? this.#decoy
    const good = await this.#queue.run(tenant, () => verifyPassword(password, hash))
    return stored !== undefined && good
  }

  /**
   * True for the password in use and the two before it.
   * @throws RingfenceError `overloaded`
   */
  async wasUsed(
    rows: Rows,
    tenant: TenantId,
    subject: Subject,
    password: string,
  ): Promise<boolean> {
    const found = await rows.query<{ hash: string }>(
      `select hash from identity.password where tenant = $1 and subject = $2
       union all
       select hash from identity.password_before where tenant = $1 and subject = $2`,
      [tenant, subject],
    )
    for (const { hash } of found) {
      if (await this.#queue.run(tenant, () => verifyPassword(password, hash))) return true
    }
    return false
  }

  /** @throws RingfenceError `overloaded` */
  hash(tenant: TenantId, password: string): Promise<string> {
    return this.#queue.run(tenant, () => hashPassword(password, this.#cost))
  }

  /**
   * Puts a hash in place of the one before, which is remembered. With it go links and half-finished
   * sign-ins: whoever holds one may have had it before the password was changed for that reason.
   */
  async set(rows: Rows, tenant: TenantId, subject: Subject, hash: string): Promise<void> {
    const of = [tenant, subject]
    await rows.query(
      `insert into identity.password_before (tenant, subject, hash)
       select tenant, subject, hash from identity.password where tenant = $1 and subject = $2
       on conflict (tenant, subject, hash) do nothing`,
      of,
    )
    await rows.query(
      `delete from identity.password_before where tenant = $1 and subject = $2 and hash not in
         (select hash from identity.password_before where tenant = $1 and subject = $2
          order by until desc limit ${REMEMBERED - 1})`,
      of,
    )
    await rows.query(
      `insert into identity.password (tenant, subject, hash) values ($1, $2, $3)
       on conflict (tenant, subject) do update
         set hash = excluded.hash, must_change = false, changed_at = now()`,
      [...of, hash],
    )
    await rows.query(
      `delete from identity.mail_link where tenant = $1 and subject = $2
         and purpose in ('recovery', 'invitation')`,
      of,
    )
    // Who asked for another address knew the password that was.
    for (const table of ['sign_in_attempt', 'email_change']) {
      await rows.query(`delete from identity.${table} where tenant = $1 and subject = $2`, of)
    }
    await enterChange(rows, tenant, 'password.changed', subject)
  }

  /** Hashes anew, after a sign-in, what was hashed more cheaply than today. */
  async refresh(
    rows: Rows,
    tenant: TenantId,
    subject: Subject,
    stored: StoredPassword,
    password: string,
  ): Promise<void> {
    if (!isOutdated(stored.hash, this.#cost)) return
    // The user is signed in all the same; the next time will do.
    const hash = await this.hash(tenant, password).catch(unlessOverloaded)
    if (hash === undefined) return
    // Not over a password that was set in the meantime.
    await rows.query(
      'update identity.password set hash = $4 where tenant = $1 and subject = $2 and hash = $3',
      [tenant, subject, stored.hash, hash],
    )
  }
}

function unlessOverloaded(error: unknown): undefined {
  if (error instanceof RingfenceError && error.code === 'overloaded') return undefined
  throw error
}
