import { randomBytes } from 'node:crypto'
import { messageOf, RingfenceError } from '../../../core/errors.ts'
import { parseTenantId, type TenantId } from '../../../core/tenant.ts'
import type { Rows } from '../../identity-database.ts'
import type { SignInParts } from '../sign-in-parts.ts'
import { LinkMail } from './link-mail.ts'

const ID_BYTES = 16
const NAME_MAX = 320
/** Older ones are nobody's any more: who asked has asked again. */
const MINUTES_MAX = 30

export type RecoveryParts = Pick<
  SignInParts,
  'database' | 'directory' | 'sealing' | 'passwords' | 'outbox'
> & { readonly log: (line: string) => void }

/**
 * Who asked to recover an account. Asking enters one row whatever the name is; whether there is
 * such a user is looked up afterwards, by whoever sends mail, so that the time of the answer tells
 * nothing.
 */
export class RecoveryRequests {
  readonly #parts: RecoveryParts
  readonly #mail: LinkMail

  constructor(parts: RecoveryParts) {
    this.#parts = parts
    this.#mail = new LinkMail(parts.outbox)
  }

  async enter(tenant: TenantId, name: string): Promise<void> {
    const id = randomBytes(ID_BYTES).toString('base64url')
    const k = Buffer.from(name.slice(0, NAME_MAX)).toString('base64url')
    const sealed = this.#parts.sealing.seal(tenant, sealedAs(id), { kty: 'oct', k })
    await this.#parts.database.query(
      'insert into identity.recovery_request (tenant, id, sealed) values ($1, $2, $3)',
      [tenant, id, sealed],
    )
  }

  /** Answers one request by a mail, if there is whom to write to. False when there is none. */
  work(): Promise<boolean> {
    return this.#parts.database.transaction(async (rows) => {
      const [row] = await rows.query<{ tenant: string; id: string; sealed: Buffer; old: boolean }>(
        `delete from identity.recovery_request where (tenant, id) in
           (select tenant, id from identity.recovery_request order by asked_at limit 1
            for update skip locked)
         returning tenant, id, sealed,
           asked_at < now() - make_interval(mins => ${MINUTES_MAX}) as old`,
      )
      if (row === undefined) return false
      const tenant = parseTenantId(row.tenant)
      if (!row.old) await this.#answer(rows, tenant, row.id, row.sealed)
      return true
    })
  }

  async #answer(rows: Rows, tenant: TenantId, id: string, sealed: Buffer): Promise<void> {
    const { sealing, directory, passwords, log } = this.#parts
    try {
      const { k } = sealing.open(tenant, sealedAs(id), sealed)
      const name = Buffer.from(String(k), 'base64url').toString()
      const account = await directory.findBySignInName(tenant, name)
      if (account?.active !== true || !account.emailVerified || account.email === undefined) return
      // Whoever has no password here signs in elsewhere, and recovers there.
      if ((await passwords.read(rows, tenant, account.subject)) === undefined) return
      await this.#mail.send(rows, tenant, account, account.email, 'recovery')
    } catch (error) {
      // Only what was refused before anything was written leaves the transaction usable.
      if (!(error instanceof RingfenceError) || error.code === 'engine_unavailable') throw error
      log(`a recovery in realm ${tenant}: ${messageOf(error)}`)
    }
  }
}

const sealedAs = (id: string) => `recovery ${id}`
