import { randomBytes } from 'node:crypto'
import { parseSubject, type Subject } from '../../../core/names.ts'
import type { TenantId } from '../../../core/tenant.ts'
import type { Rows } from '../../identity-database.ts'
import { sha256 } from '../secret-hash.ts'

const SECRET_BYTES = 32
/** Apart from other links by its beginning: neither is looked for among the others. */
const SECRET = /^rfe_[A-Za-z0-9_-]{43}$/
/** How long the link works. */
export const EMAIL_CHANGE_SECONDS = 3_600

/** A change that waits, of a user who is active and whose address is still what it was. */
export interface WaitingChange {
  readonly subject: Subject
  readonly email: string
  readonly emailBefore: string | undefined
  /** The address before it was proven to be the user's. */
  readonly verifiedBefore: boolean
  readonly name: string
  readonly version: number
}

interface Row {
  readonly subject: string
  readonly email: string
  readonly email_before: string | null
  readonly verified_before: boolean
  readonly name: string
  readonly version: string
}

/** Addresses that wait to be confirmed: one of each user. */
export class EmailChangeStore {
  /** @returns the secret of its link, this once */
  async make(rows: Rows, tenant: TenantId, subject: Subject, email: string): Promise<string> {
    const secret = `rfe_${randomBytes(SECRET_BYTES).toString('base64url')}`
    await rows.query(
      `insert into identity.email_change (tenant, subject, sha256, email, before_folded, expires_at)
       select a.tenant, a.subject, $3, $4, a.email_folded, now() + make_interval(secs => $5)
       from identity.account a where a.tenant = $1 and a.subject = $2
       on conflict (tenant, subject) do update set sha256 = excluded.sha256,
         email = excluded.email, before_folded = excluded.before_folded,
         expires_at = excluded.expires_at`,
      [tenant, subject, sha256(secret), email, EMAIL_CHANGE_SECONDS],
    )
    return secret
  }

  async pending(rows: Rows, tenant: TenantId, subject: Subject): Promise<string | undefined> {
    const [row] = await rows.query<{ email: string }>(
      `select email from identity.email_change
       where tenant = $1 and subject = $2 and expires_at > now()`,
      [tenant, subject],
    )
    return row?.email
  }

  async remove(rows: Rows, tenant: TenantId, subject: Subject): Promise<void> {
    await rows.query('delete from identity.email_change where tenant = $1 and subject = $2', [
      tenant,
      subject,
    ])
  }

  async find(rows: Rows, tenant: TenantId, secret: string): Promise<WaitingChange | undefined> {
    const [row] = await rows.query<Row>(
      `select e.subject, e.email, a.email as email_before, a.email_verified as verified_before,
         coalesce(a.display_name, a.user_name, a.email, a.subject) as name, a.version
       from identity.email_change e
       join identity.account a on a.tenant = e.tenant and a.subject = e.subject and a.active
         and a.email_folded is not distinct from e.before_folded
       where e.tenant = $1 and e.sha256 = $2 and e.expires_at > now()`,
      [tenant, hashOf(secret)],
    )
    if (row === undefined) return undefined
    return {
      subject: parseSubject(row.subject),
      email: row.email,
      emailBefore: row.email_before ?? undefined,
      verifiedBefore: row.verified_before,
      name: row.name,
      version: Number(row.version),
    }
  }
}

const hashOf = (secret: string) => sha256(SECRET.test(secret) ? secret : '')
