import { generateSecret, generateURI, verifySync } from 'otplib'
import type { Subject } from '../../../core/names.ts'
import type { TenantId } from '../../../core/tenant.ts'
import type { Rows } from '../../identity-database.ts'
import type { SealingKey } from '../../sealing-key.ts'

const SECRET_BYTES = 20
/** RFC 6238, section 5.2: one step more for clocks apart and slow fingers, either way. */
const STEP_SECONDS = 30
const CODE = /^\d{6}$/
/** An offer that was not confirmed by then is none. */
const OFFER_MINUTES = 60

export interface TotpOffer {
  readonly secret: string
  readonly uri: string
}

/** One-time passwords by time (RFC 6238). Secrets are sealed, bound to realm and user. */
export class Totp {
  readonly #sealing: SealingKey
  readonly #now: () => number

  /** @param now seconds since 1970 */
  constructor(sealing: SealingKey, now: () => number) {
    this.#sealing = sealing
    this.#now = now
  }

  async since(rows: Rows, tenant: TenantId, subject: Subject): Promise<Date | undefined> {
    const [row] = await rows.query<{ confirmed_at: Date | null }>(
      'select confirmed_at from identity.totp where tenant = $1 and subject = $2',
      [tenant, subject],
    )
    return row?.confirmed_at ?? undefined
  }

  /** A new secret, not in force yet. Undefined when there is one in force. */
  async offer(
    rows: Rows,
    tenant: TenantId,
    subject: Subject,
    label: string,
    issuer: string,
  ): Promise<TotpOffer | undefined> {
    const secret = generateSecret({ length: SECRET_BYTES })
    const made = await rows.query(
      `insert into identity.totp as t (tenant, subject, sealed) values ($1, $2, $3)
       on conflict (tenant, subject) do update
         set sealed = excluded.sealed, made_at = now(), last_step = 0
         where t.confirmed_at is null
       returning t.subject`,
      [tenant, subject, this.#seal(tenant, subject, secret)],
    )
    if (made.length === 0) return undefined
    return { secret, uri: generateURI({ issuer, label, secret }) }
  }

  /** Puts an offer in force with a code of it. */
  confirm(rows: Rows, tenant: TenantId, subject: Subject, code: string): Promise<boolean> {
    return this.#take(rows, tenant, subject, code, 'offered')
  }

  /** Takes a code. It counts once, and so does every earlier one. */
  check(rows: Rows, tenant: TenantId, subject: Subject, code: string): Promise<boolean> {
    return this.#take(rows, tenant, subject, code, 'in force')
  }

  async remove(rows: Rows, tenant: TenantId, subject: Subject): Promise<boolean> {
    const gone = await rows.query(
      `delete from identity.totp where tenant = $1 and subject = $2 and confirmed_at is not null
       returning subject`,
      [tenant, subject],
    )
    return gone.length > 0
  }

  async #take(
    rows: Rows,
    tenant: TenantId,
    subject: Subject,
    code: string,
    state: 'offered' | 'in force',
  ): Promise<boolean> {
    const condition =
      state === 'in force'
        ? 'confirmed_at is not null'
        : `confirmed_at is null and made_at > now() - make_interval(mins => ${OFFER_MINUTES})`
    const [row] = await rows.query<{ sealed: Buffer }>(
      `select sealed from identity.totp where tenant = $1 and subject = $2 and ${condition}`,
      [tenant, subject],
    )
    if (row === undefined || !CODE.test(code)) return false
    const step = this.#stepOf(this.#open(tenant, subject, row.sealed), code)
    if (step === undefined) return false
    // Of two who bring one code at once, one changes the row.
    const first = await rows.query(
      `update identity.totp set last_step = $3, confirmed_at = coalesce(confirmed_at, now())
       where tenant = $1 and subject = $2 and sealed = $4 and last_step < $3 and ${condition}
       returning subject`,
      [tenant, subject, step, row.sealed],
    )
    return first.length > 0
  }

  #stepOf(secret: string, token: string): number | undefined {
    const epoch = Math.floor(this.#now())
    const result = verifySync({ secret, token, epoch, epochTolerance: STEP_SECONDS })
    return result.valid && 'timeStep' in result ? result.timeStep : undefined
  }

  #seal(tenant: TenantId, subject: Subject, secret: string): Buffer {
    const k = Buffer.from(secret).toString('base64url')
    return this.#sealing.seal(tenant, nameOf(subject), { kty: 'oct', k })
  }

  #open(tenant: TenantId, subject: Subject, sealed: Buffer): string {
    const { k } = this.#sealing.open(tenant, nameOf(subject), sealed)
    return Buffer.from(String(k), 'base64url').toString()
  }
}

const nameOf = (subject: Subject) => `totp ${subject}`
