import { RingfenceError } from '../../../core/errors.ts'
import { parseSubject, type Subject } from '../../../core/names.ts'
import type { TenantId } from '../../../core/tenant.ts'
import { text } from '../../directory/account-values.ts'
import type { Rows } from '../../identity-database.ts'
import type { Passkey } from '../sign-in.ts'

const PASSKEYS_MAX = 20
const LABEL_MAX = 60

/** A passkey as it is verified with. */
export interface StoredPasskey {
  readonly id: string
  readonly subject: Subject
  readonly publicKey: Uint8Array<ArrayBuffer>
  readonly counter: number
  readonly transports: readonly string[]
  readonly synced: boolean
}

interface Row {
  readonly id: string
  readonly subject: string
  readonly public_key: Buffer
  readonly counter: string
  readonly transports: readonly string[]
  readonly synced: boolean
  readonly label: string
  readonly created_at: Date
  readonly last_used_at: Date | null
}

/** The passkeys of users. Every query names the realm: one of another is not there. */
export class PasskeyStore {
  async list(rows: Rows, tenant: TenantId, subject: Subject): Promise<readonly Passkey[]> {
    const found = await rows.query<Row>(
      `select id, label, synced, created_at, last_used_at from identity.passkey
       where tenant = $1 and subject = $2 order by created_at, id`,
      [tenant, subject],
    )
    return found.map((row) => ({
      id: row.id,
      label: row.label,
      synced: row.synced,
      createdAt: row.created_at,
      lastUsedAt: row.last_used_at ?? undefined,
    }))
  }

  async named(
    rows: Rows,
    tenant: TenantId,
    subject: Subject,
  ): Promise<readonly { id: string; transports: string[] }[]> {
    return rows.query<{ id: string; transports: string[] }>(
      'select id, transports from identity.passkey where tenant = $1 and subject = $2 order by id',
      [tenant, subject],
    )
  }

  async find(rows: Rows, tenant: TenantId, id: string): Promise<StoredPasskey | undefined> {
    const [row] = await rows.query<Row>(
      `select p.id, p.subject, p.public_key, p.counter, p.transports, p.synced
       from identity.passkey p
       join identity.account a on a.tenant = p.tenant and a.subject = p.subject and a.active
       where p.tenant = $1 and p.id = $2`,
      [tenant, id],
    )
    if (row === undefined) return undefined
    return {
      id: row.id,
      subject: parseSubject(row.subject),
      publicKey: new Uint8Array(row.public_key),
      counter: Number(row.counter),
      transports: row.transports,
      synced: row.synced,
    }
  }

  /**
   * Enters a passkey. False when it is somebody's in this realm already.
   * @throws RingfenceError `invalid_argument` for the label, or one too many
   */
  async add(rows: Rows, tenant: TenantId, passkey: StoredPasskey, label: string): Promise<boolean> {
    const { id, subject, publicKey, counter, transports, synced } = passkey
    const [counted] = await rows.query<{ n: number }>(
      'select count(*)::int as n from identity.passkey where tenant = $1 and subject = $2',
      [tenant, subject],
    )
    if ((counted?.n ?? 0) >= PASSKEYS_MAX) {
      throw new RingfenceError('invalid_argument', `nobody has more than ${PASSKEYS_MAX} passkeys`)
    }
    const added = await rows.query(
      `insert into identity.passkey
         (tenant, id, subject, public_key, counter, transports, synced, label)
       values ($1, $2, $3, $4, $5, $6, $7, $8)
       on conflict (tenant, id) do nothing returning id`,
      [tenant, id, subject, Buffer.from(publicKey), counter, transports, synced, labelOf(label)],
    )
    return added.length > 0
  }

  /**
   * Notes a use. False when its counter does not go up: there is a copy of the key, or two answers
   * were given at once. Many authenticators do not count, and stay at zero.
   */
  async used(rows: Rows, tenant: TenantId, id: string, counter: number): Promise<boolean> {
    const used = await rows.query(
      `update identity.passkey set counter = $3, last_used_at = now()
       where tenant = $1 and id = $2 and (counter < $3 or (counter = 0 and $3 = 0)) returning id`,
      [tenant, id, counter],
    )
    return used.length > 0
  }

  /** @throws RingfenceError `invalid_argument` for the label */
  async rename(
    rows: Rows,
    tenant: TenantId,
    subject: Subject,
    id: string,
    label: string,
  ): Promise<boolean> {
    const renamed = await rows.query(
      `update identity.passkey set label = $4
       where tenant = $1 and subject = $2 and id = $3 returning id`,
      [tenant, subject, id, labelOf(label)],
    )
    return renamed.length > 0
  }

  async remove(rows: Rows, tenant: TenantId, subject: Subject, id: string): Promise<boolean> {
    const gone = await rows.query(
      'delete from identity.passkey where tenant = $1 and subject = $2 and id = $3 returning id',
      [tenant, subject, id],
    )
    return gone.length > 0
  }
}

const labelOf = (label: string) => text('a label', label.trim(), LABEL_MAX)
