import { randomBytes } from 'node:crypto'
import { parseSubject, type Subject } from '../../../core/names.ts'
import type { TenantId } from '../../../core/tenant.ts'
import type { Rows } from '../../identity-database.ts'
import { sha256 } from '../secret-hash.ts'
import type { LinkPurpose } from '../sign-in.ts'

const SECRET_BYTES = 32
const SECRET = /^rfl_[A-Za-z0-9_-]{43}$/
const MINUTE = 60
const DAY = 24 * 60 * MINUTE

/** How long a link works. */
export const LINK_SECONDS: Readonly<Record<LinkPurpose, number>> = {
  recovery: 30 * MINUTE,
  invitation: 7 * DAY,
  verify_email: DAY,
}

export interface StoredLink {
  readonly purpose: LinkPurpose
  readonly subject: Subject
  /** Where it was sent. */
  readonly emailFolded: string
}

interface Row {
  readonly purpose: LinkPurpose
  readonly subject: string
  readonly email_folded: string
}

/** Links of mails: 256 random bits, of which a hash is kept; each works once. */
export class LinkStore {
  /** Makes a link, in place of earlier ones for the same. @returns its secret, this once */
  async make(rows: Rows, tenant: TenantId, link: StoredLink): Promise<string> {
    const { subject, purpose, emailFolded } = link
    const secret = `rfl_${randomBytes(SECRET_BYTES).toString('base64url')}`
    await rows.query(
      'delete from identity.mail_link where tenant = $1 and subject = $2 and purpose = $3',
      [tenant, subject, purpose],
    )
    await rows.query(
      `insert into identity.mail_link (tenant, sha256, subject, purpose, email_folded, expires_at)
       values ($1, $2, $3, $4, $5, now() + make_interval(secs => $6))`,
      [tenant, sha256(secret), subject, purpose, emailFolded, LINK_SECONDS[purpose]],
    )
    return secret
  }

  /** A link that works, unused. Of a user who is not active, or whose address is another now, none does. */
  async find(rows: Rows, tenant: TenantId, secret: string): Promise<StoredLink | undefined> {
    const [row] = await rows.query<Row>(
      `select l.purpose, l.subject, l.email_folded from identity.mail_link l
       join identity.account a on a.tenant = l.tenant and a.subject = l.subject
         and a.active and a.email_folded = l.email_folded
       where l.tenant = $1 and l.sha256 = $2 and l.expires_at > now()`,
      [tenant, hashOf(secret)],
    )
    return row === undefined ? undefined : linkOf(row)
  }

  /** Uses it up: it is found by one alone. */
  async use(rows: Rows, tenant: TenantId, secret: string): Promise<StoredLink | undefined> {
    const [row] = await rows.query<Row>(
      `delete from identity.mail_link l using identity.account a
       where a.tenant = l.tenant and a.subject = l.subject
         and a.active and a.email_folded = l.email_folded
         and l.tenant = $1 and l.sha256 = $2 and l.expires_at > now()
       returning l.purpose, l.subject, l.email_folded`,
      [tenant, hashOf(secret)],
    )
    return row === undefined ? undefined : linkOf(row)
  }
}

const hashOf = (secret: string) => sha256(SECRET.test(secret) ? secret : '')

function linkOf({ purpose, subject, email_folded }: Row): StoredLink {
  return { purpose, subject: parseSubject(subject), emailFolded: email_folded }
}
