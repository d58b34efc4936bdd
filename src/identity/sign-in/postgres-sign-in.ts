import { DenialThrottle } from '../../audit/denial-throttle.ts'
import type { Subject } from '../../core/names.ts'
import { AttemptStore } from './attempts/attempt-store.ts'
import {
  acrOf,
  methodsOf,
  ONE_TIME_CODE,
  PASSWORD,
  passkeyMethods,
  withSecond,
} from './attempts/methods.ts'
import { type AttemptState, nextStep } from './attempts/next-step.ts'
import { KnownDevices } from './limits/known-devices.ts'
import { attemptHolder } from './passkeys/challenge-holder.ts'
import type { SignInParts } from './sign-in-parts.ts'
import { readRealm } from './sign-in-realm.ts'
import type {
  Attempt,
  Demand,
  Next,
  PasskeyOptions,
  PasswordOutcome,
  SecondFactor,
  SignedIn,
  SignIn,
  StepOutcome,
} from './sign-in.ts'
import { actAs, enter, enterDenial } from '../entering.ts'

const REFUSED = { kind: 'refused' } as const
/** Tries of those who have to wait that are entered one by one. */
const LIMITED_PER_MINUTE = 300

/** Signing in, with all that it knows in PostgreSQL: any process can take the next step. */
export class PostgresSignIn implements SignIn {
  readonly #parts: SignInParts
  readonly #attempts = new AttemptStore()
  readonly #devices = new KnownDevices()
  readonly #throttle = new DenialThrottle(LIMITED_PER_MINUTE)

  constructor(parts: SignInParts) {
    this.#parts = parts
  }

  async begin(attempt: Attempt, demand: Demand = {}): Promise<Next> {
    await this.#parts.database.transaction((rows) => this.#attempts.begin(rows, attempt, demand))
    const state = await this.#read(attempt)
    return state === undefined ? { kind: 'identify' } : nextStep(state)
  }

  async password(attempt: Attempt, name: string, password: string): Promise<StepOutcome> {
    const { database, directory, passwords, limits } = this.#parts
    const { tenant } = attempt
    const account = await directory.findBySignInName(tenant, name)
    const subject = account?.subject
    const counted = await limits.password(attempt, name, subject)
    if ('seconds' in counted) return this.#limited(attempt, 'password', counted)
    const stored = await passwords.read(database, tenant, subject)
    const good = await passwords.verify(tenant, stored, password).catch(async (error: unknown) => {
      await counted.undone()
      throw error
    })
    if (!good || stored === undefined || account?.active !== true || subject === undefined) {
      return this.#refused(attempt, 'password', subject)
    }
    const outcome = await this.#first(attempt, subject, [PASSWORD])
    if (outcome.kind !== 'passed') return outcome
    await counted.good()
    await passwords.refresh(database, tenant, subject, stored, password)
    return outcome
  }

  async passkeyOptions(attempt: Attempt): Promise<PasskeyOptions> {
    const realm = await readRealm(this.#parts.database, attempt.tenant)
    const state = await this.#read(attempt)
    const asked = state === undefined ? undefined : nextStep(state)
    const subject = asked?.kind === 'second_factor' ? state?.subject : undefined
    const holder = attemptHolder(attempt)
    return this.#parts.passkeys.signInOptions(attempt.tenant, realm, holder, subject)
  }

  async passkey(attempt: Attempt, response: unknown): Promise<StepOutcome> {
    const { database, limits, passkeys } = this.#parts
    const { tenant } = attempt
    const counted = await limits.passkey(attempt)
    if ('seconds' in counted) return this.#limited(attempt, 'passkey', counted)
    const realm = await readRealm(database, tenant)
    const passkey = await passkeys.signedIn(tenant, realm, attemptHolder(attempt), response)
    if (passkey === undefined) return this.#refused(attempt, 'passkey', undefined)
    const methods = passkeyMethods(passkey.synced)
    const state = await this.#read(attempt)
    const asked = state === undefined ? undefined : nextStep(state)
    const outcome =
      state !== undefined && asked?.kind === 'second_factor'
        ? await this.#second(attempt, state, passkey.subject, methods)
        : await this.#first(attempt, passkey.subject, methods)
    if (outcome.kind === 'passed') await counted.good()
    return outcome
  }

  totp(attempt: Attempt, code: string): Promise<StepOutcome> {
    const { database, totp } = this.#parts
    return this.#code(attempt, 'totp', (subject) =>
      totp.check(database, attempt.tenant, subject, code),
    )
  }

  recoveryCode(attempt: Attempt, code: string): Promise<StepOutcome> {
    const { database, recoveryCodes } = this.#parts
    return this.#code(attempt, 'recovery_code', (subject) =>
      recoveryCodes.use(database, attempt.tenant, subject, code),
    )
  }

  async replacePassword(attempt: Attempt, password: string): Promise<PasswordOutcome> {
    const state = await this.#read(attempt)
    if (state?.subject === undefined || nextStep(state).kind !== 'change_password') return REFUSED
    const { tenant } = attempt
    const ready = await this.#parts.newPasswords.prepare(tenant, state.subject, password)
    if ('problem' in ready) return { kind: 'weak', problem: ready.problem }
    const { subject, amr } = state
    return this.#parts.database.transaction(async (rows) => {
      const now = await this.#attempts.read(rows, attempt, 'lock')
      if (now?.subject !== subject || nextStep(now).kind !== 'change_password') return REFUSED
      // Setting it ends every half-finished sign-in of the user, and this one goes on.
      await this.#parts.passwords.set(rows, tenant, subject, ready.hash)
      await this.#attempts.begin(rows, attempt, {
        acr: now.acrDemanded,
        only: now.only,
        known: {
          subject,
          amr,
          signedInAt: now.signedInAt ?? new Date(),
          connection: now.connection,
        },
      })
      return { kind: 'changed' } as const
    })
  }

  async federated(
    attempt: Attempt,
    subject: Subject,
    amr: readonly string[],
    connection?: string,
  ): Promise<StepOutcome> {
    const account = await this.#parts.directory.account(attempt.tenant, subject)
    if (account?.active !== true) return this.#refused(attempt, 'federation', subject)
    return this.#first(attempt, subject, methodsOf(amr), connection)
  }

  finish(attempt: Attempt): Promise<SignedIn | undefined> {
    return this.#parts.database.transaction(async (rows) => {
      const state = await this.#attempts.read(rows, attempt, 'lock')
      if (state?.subject === undefined || nextStep(state).kind !== 'done') return undefined
      const { subject, amr, connection, signedInAt = new Date() } = state
      await this.#attempts.end(rows, attempt)
      const device = await this.#devices.remember(rows, attempt.tenant, subject, attempt.device)
      const acr = acrOf(amr)
      await enter(rows, attempt.tenant, {
        ...{ category: 'authentication', action: 'user.signed-in', decision: 'allowed' },
        actor: { kind: 'user', id: subject },
        layer: 'sign-in',
        detail: { acr, amr: amr.join(' '), connection },
      })
      actAs({ kind: 'user', id: subject })
      return { subject, amr, acr, signedInAt, connection, device }
    })
  }

  /** A sign-in from the beginning, whoever the attempt was of before. */
  async #first(
    attempt: Attempt,
    subject: Subject,
    amr: readonly string[],
    connection?: string,
  ): Promise<StepOutcome> {
    const before = await this.#read(attempt)
    if (before === undefined || (before.only ?? subject) !== subject) return REFUSED
    const noted = await this.#attempts.passed(
      this.#parts.database,
      attempt,
      subject,
      amr,
      undefined,
      connection,
    )
    return noted ? this.#passed(attempt) : REFUSED
  }

  async #second(
    attempt: Attempt,
    state: AttemptState,
    subject: Subject,
    more: readonly string[],
  ): Promise<StepOutcome> {
    if (state.subject !== subject) return REFUSED
    const amr = withSecond(state.amr, more)
    const noted = await this.#attempts.passed(this.#parts.database, attempt, subject, amr, subject)
    return noted ? this.#passed(attempt) : REFUSED
  }

  async #code(
    attempt: Attempt,
    factor: SecondFactor,
    check: (subject: Subject) => Promise<boolean>,
  ): Promise<StepOutcome> {
    const state = await this.#read(attempt)
    const asked = state === undefined ? undefined : nextStep(state)
    const expected = asked?.kind === 'second_factor' && asked.factors.includes(factor)
    if (state?.subject === undefined || !expected) return REFUSED
    const counted = await this.#parts.limits.secondFactor(attempt, state.subject)
    if ('seconds' in counted) return this.#limited(attempt, factor, counted)
    if (!(await check(state.subject))) return this.#refused(attempt, factor, state.subject)
    await counted.good()
    return this.#second(attempt, state, state.subject, [ONE_TIME_CODE])
  }

  /** It rolls nothing back and is entered all the same, whether there is such a user or not. */
  async #refused(
    { tenant }: Attempt,
    factor: string,
    subject: Subject | undefined,
  ): Promise<StepOutcome> {
    await enter(this.#parts.database, tenant, {
      ...{ category: 'authentication', action: 'user.sign-in-failed', decision: 'failed' },
      actor: { kind: 'unknown', id: 'unknown' },
      ...(subject === undefined ? {} : { object: { type: 'user', id: subject } }),
      layer: 'sign-in',
      reason: factor,
    })
    return REFUSED
  }

  /** Whoever has to wait may try as often as it likes: it is entered as far as there is room. */
  async #limited(
    { tenant }: Attempt,
    factor: string,
    { seconds }: { readonly seconds: number },
  ): Promise<StepOutcome> {
    await enterDenial(this.#parts.database, this.#throttle, tenant, {
      action: 'user.sign-in-limited',
      reason: factor,
    })
    return { kind: 'wait', seconds }
  }

  async #passed(attempt: Attempt): Promise<StepOutcome> {
    const state = await this.#read(attempt)
    return state === undefined ? REFUSED : { kind: 'passed', next: nextStep(state) }
  }

  #read(attempt: Attempt): Promise<AttemptState | undefined> {
    return this.#attempts.read(this.#parts.database, attempt)
  }
}
