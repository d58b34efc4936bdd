import type { Subject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { Rows } from '../identity-database.ts'
import { AttemptStore } from './attempts/attempt-store.ts'
import { TWO_FACTORS } from './attempts/methods.ts'
import { nextStep } from './attempts/next-step.ts'
import { attemptHolder, userHolder } from './passkeys/challenge-holder.ts'
import type { Holder, Refused } from './sign-in.ts'

/** So fresh must a sign-in be to change what the account signs in with. */
const FRESH_MS = 10 * 60_000

/** Whose factors may be changed. */
export interface Changing {
  readonly tenant: TenantId
  readonly subject: Subject
  /** For passkey challenges. */
  readonly challengeHolder: string
}

/**
 * Who may change factors. An attempt may while its next step is to enrol one: it has none, so that
 * none is gone round. A session may when it is fresh, and as sure as the account can be.
 */
export class Holders {
  readonly #attempts = new AttemptStore()
  readonly #now: () => number

  /** @param now milliseconds since 1970 */
  constructor(now: () => number) {
    this.#now = now
  }

  async changing(rows: Rows, holder: Holder): Promise<Changing | Refused> {
    if (holder.by === 'session') return this.#session(rows, holder)
    const { attempt } = holder
    const state = await this.#attempts.read(rows, attempt, 'lock')
    if (state?.subject === undefined || nextStep(state).kind !== 'enrol') return { kind: 'refused' }
    const { subject } = state
    // Another attempt of the user may have set one up since.
    if ((await hasSecondFactor(rows, attempt.tenant, subject)) !== false) return { kind: 'refused' }
    return { tenant: attempt.tenant, subject, challengeHolder: attemptHolder(attempt) }
  }

  /** The same, of a session alone. */
  async ofSession(rows: Rows, holder: Holder): Promise<Changing | Refused> {
    return holder.by === 'session' ? this.#session(rows, holder) : { kind: 'refused' }
  }

  async #session(
    rows: Rows,
    { tenant, subject, acr, signedInAt }: Holder & { readonly by: 'session' },
  ): Promise<Changing | Refused> {
    const second = await hasSecondFactor(rows, tenant, subject)
    if (second === undefined) return { kind: 'refused' }
    const age = this.#now() - signedInAt.getTime()
    if (age > FRESH_MS || (second && acr !== TWO_FACTORS)) return { kind: 'sign_in_again' }
    return { tenant, subject, challengeHolder: userHolder(subject) }
  }
}

/** Locks the account for the transaction. Undefined: no such active user in an open realm. */
export async function hasSecondFactor(
  rows: Rows,
  tenant: TenantId,
  subject: Subject,
): Promise<boolean | undefined> {
  const [row] = await rows.query<{ second: boolean }>(
    `select exists (select from identity.totp o where o.tenant = a.tenant
         and o.subject = a.subject and o.confirmed_at is not null)
       or exists (select from identity.passkey k where k.tenant = a.tenant
         and k.subject = a.subject) as second
     from identity.account a join identity.realm r on r.tenant = a.tenant and r.open
     where a.tenant = $1 and a.subject = $2 and a.active for no key update of a`,
    [tenant, subject],
  )
  return row?.second
}
