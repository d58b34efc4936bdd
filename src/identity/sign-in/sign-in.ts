import type { Subject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'

/** How sure a sign-in is: one factor; or two, or a passkey whose owner was verified by it. */
export type Acr = 'urn:ringfence:acr:1' | 'urn:ringfence:acr:2'

/** What a user can prove besides a password. */
export type SecondFactor = 'totp' | 'passkey' | 'recovery_code'
/** What a user can be asked to set up. */
export type Enrollable = 'totp' | 'passkey'

/** Where a call comes from. Only for limits: nothing here proves who somebody is. */
export interface Caller {
  readonly tenant: TenantId
  /** IP address of the client, as the listener or a proxy that it trusts knows it. */
  readonly address: string
  /** The realm's device cookie as it came; anything may be in it. */
  readonly device?: string | undefined
}

/**
 * One try to sign in, from the first page to `finish`: a caller and the name of its interaction,
 * which a cookie that only this browser has must be bound to. What was proven is kept on the
 * server under that name: pages hold nothing.
 */
export interface Attempt extends Caller {
  /** The interaction's uid. Visible ASCII, at most 200 characters. */
  readonly id: string
}

/** What the client or the session asks of a sign-in. */
export interface Demand {
  /** At least so sure. Absent: as the realm's policy says. */
  readonly acr?: Acr | undefined
  /**
   * Who is signed in already, and how, where a session is there and is to be made surer (step-up).
   * From the provider's session, never from what a client sent. Absent: sign in from the beginning.
   */
  readonly known?:
    | {
        readonly subject: Subject
        readonly amr: readonly string[]
        readonly signedInAt: Date
        readonly connection?: string | undefined
      }
    | undefined
  /** The session's user must sign in again, and nobody else. Also from the session. */
  readonly only?: Subject | undefined
}

/** What an attempt needs next. `done`: call `finish`. */
export type Next =
  | { readonly kind: 'identify' }
  | { readonly kind: 'second_factor'; readonly factors: readonly SecondFactor[] }
  /** The policy or the client demands two factors and the user has none yet. */
  | { readonly kind: 'enrol'; readonly factors: readonly Enrollable[] }
  /** The password was good and must be replaced before anything else. */
  | { readonly kind: 'change_password' }
  | { readonly kind: 'done' }

/**
 * What came of a step. `refused` is all that is said of a wrong name, password, code or passkey, of a
 * user who is not active, or who has no password at all. `wait`: too many tries; nothing was looked at.
 */
export type StepOutcome =
  | { readonly kind: 'passed'; readonly next: Next }
  | { readonly kind: 'refused' }
  | { readonly kind: 'wait'; readonly seconds: number }

/** A sign-in that is over. */
export interface SignedIn {
  readonly subject: Subject
  readonly acr: Acr
  /** Methods of RFC 8176, sorted. */
  readonly amr: readonly string[]
  readonly signedInAt: Date
  /** By which connection, where it was by the tenant's own provider. */
  readonly connection: string | undefined
  /** Set as the realm's device cookie (HttpOnly, a year): it keeps its owner from being locked out. */
  readonly device: string
}

/**
 * What is handed to the browser's `PublicKeyCredential.parse…OptionsFromJSON` as it is, and what its
 * `toJSON` gives back, which is read strictly here.
 */
export type PasskeyOptions = Readonly<Record<string, unknown>>

/**
 * Signing in, as pages call it. Every method may throw RingfenceError `engine_unavailable`, and
 * those that check a password `overloaded` (say "try again shortly").
 */
export interface SignIn {
  /** Begins, or sets the demand of what has begun. Idempotent: call it with every page. */
  begin(attempt: Attempt, demand?: Demand): Promise<Next>
  /** Costs the same whether there is such a user or not. */
  password(attempt: Attempt, name: string, password: string): Promise<StepOutcome>
  /** For a passkey in place of name and password: the browser shows which it has. */
  passkeyOptions(attempt: Attempt): Promise<PasskeyOptions>
  /** A passkey, as the only factor or as the second. */
  passkey(attempt: Attempt, response: unknown): Promise<StepOutcome>
  totp(attempt: Attempt, code: string): Promise<StepOutcome>
  recoveryCode(attempt: Attempt, code: string): Promise<StepOutcome>
  /** In place of a password that must be replaced. */
  replacePassword(attempt: Attempt, password: string): Promise<PasswordOutcome>
  /**
   * After federation: who the tenant's own identity provider says it is, and how it was proven.
   * @param connection by which it was: what comes of the sign-in ends with it
   */
  federated(
    attempt: Attempt,
    subject: Subject,
    amr: readonly string[],
    connection?: string,
  ): Promise<StepOutcome>
  /** Ends the attempt: an answer once, undefined when it is not `done` or was finished before. */
  finish(attempt: Attempt): Promise<SignedIn | undefined>
}

/**
 * Who sets up or takes away factors: a user with a session, or an attempt whose next step is
 * `enrol` (which may add its first factor, and no more).
 */
export type Holder =
  | {
      readonly by: 'session'
      readonly tenant: TenantId
      /** From the provider's session. */
      readonly subject: Subject
      readonly acr: Acr
      readonly signedInAt: Date
    }
  | { readonly by: 'attempt'; readonly attempt: Attempt }

/** `sign_in_again`: too long ago, or not sure enough for this change: step up, then repeat. */
export type Refused =
  | { readonly kind: 'refused' }
  | { readonly kind: 'sign_in_again' }
  | { readonly kind: 'wait'; readonly seconds: number }

export type PasswordProblem =
  | 'too_short'
  | 'too_long'
  | 'has_control_characters'
  | 'too_easy'
  | 'breached'
  | 'used_before'

export type PasswordOutcome =
  | { readonly kind: 'changed' }
  | { readonly kind: 'weak'; readonly problem: PasswordProblem }
  | Refused

export interface Passkey {
  /** Opaque; for `renamePasskey` and `removePasskey`. */
  readonly id: string
  readonly label: string
  /** True: synchronised by its maker's cloud. */
  readonly synced: boolean
  readonly createdAt: Date
  readonly lastUsedAt: Date | undefined
}

/** What an account signs in with. */
export interface Factors {
  readonly passwordChangedAt: Date | undefined
  readonly totpSince: Date | undefined
  readonly passkeys: readonly Passkey[]
  /** How many are left. */
  readonly recoveryCodes: number
  /** The realm's policy demands two factors: the last one cannot be removed. */
  readonly secondFactorRequired: boolean
}

/** Text shown once: what an authenticator app reads. Not in force until confirmed. */
export interface TotpEnrolment {
  readonly kind: 'enrolment'
  /** Base32, for typing it in. */
  readonly secret: string
  /** `otpauth://totp/…`, for a QR code. */
  readonly uri: string
}

/**
 * A factor is in force. With the first second factor come recovery codes, shown once. For an
 * attempt, what was set up counts as proven: ask `begin` what is next.
 */
export type EnrolOutcome =
  | { readonly kind: 'enrolled'; readonly recoveryCodes: readonly string[] | undefined }
  | Refused

/** The factors of one account. May throw RingfenceError `engine_unavailable`, `invalid_argument` (a label). */
export interface AccountSecurity {
  /** Undefined: no such active user. */
  factors(tenant: TenantId, subject: Subject): Promise<Factors | undefined>
  /** `current` is asked for where there is a password. `caller` is who tries, for limits. */
  changePassword(
    holder: Holder,
    caller: Caller,
    current: string | undefined,
    next: string,
  ): Promise<PasswordOutcome>
  /** A new secret, in place of one that was not confirmed. */
  enrolTotp(holder: Holder): Promise<TotpEnrolment | Refused>
  confirmTotp(holder: Holder, code: string): Promise<EnrolOutcome>
  removeTotp(holder: Holder): Promise<{ readonly kind: 'removed' } | Refused>
  passkeyRegistrationOptions(
    holder: Holder,
  ): Promise<{ readonly kind: 'options'; readonly options: PasskeyOptions } | Refused>
  /** `label`: 1 to 60 characters, what its owner calls it. */
  registerPasskey(holder: Holder, response: unknown, label: string): Promise<EnrolOutcome>
  renamePasskey(
    holder: Holder,
    id: string,
    label: string,
  ): Promise<{ readonly kind: 'renamed' } | Refused>
  removePasskey(holder: Holder, id: string): Promise<{ readonly kind: 'removed' } | Refused>
  /** Ten new ones in place of the old. */
  newRecoveryCodes(
    holder: Holder,
  ): Promise<{ readonly kind: 'codes'; readonly codes: readonly string[] } | Refused>
}

export type LinkPurpose = 'recovery' | 'invitation' | 'verify_email'

/** What a link from a mail is for, before it is used. */
export interface OpenLink {
  readonly purpose: LinkPurpose
  /** Whose it is: the user's name or address, to be shown. */
  readonly name: string
}

/** `gone`: unknown, of another realm, used, past its time, or void since a password was set. */
export type LinkOutcome =
  | { readonly kind: 'gone' }
  | { readonly kind: 'wait'; readonly seconds: number }

/** What mail is for: recovery, invitations, proof of an address. */
export interface MailLinks {
  /** The same answer and the same work for every name; a mail follows if there is whom to write to. */
  requestRecovery(
    caller: Caller,
    name: string,
  ): Promise<{ readonly kind: 'asked' } | { readonly kind: 'wait'; readonly seconds: number }>
  /**
   * Mails an invitation, in place of earlier ones. For administrators.
   * @throws RingfenceError `not_found` (no such active user), `invalid_argument` (without an address)
   */
  invite(tenant: TenantId, subject: Subject): Promise<void>
  /** Mails a link to the signed-in user's own address. */
  requestVerification(
    holder: Holder & { readonly by: 'session' },
  ): Promise<{ readonly kind: 'asked' } | Refused>
  /** Looks at a link without using it. */
  open(caller: Caller, link: string): Promise<OpenLink | LinkOutcome>
  /**
   * Uses a recovery or invitation link: sets the password, ends every session of the user, and gives
   * a device cookie to set. Second factors stay as they are.
   */
  setPassword(
    caller: Caller,
    link: string,
    password: string,
  ): Promise<
    | { readonly kind: 'changed'; readonly device: string }
    | { readonly kind: 'weak'; readonly problem: PasswordProblem }
    | LinkOutcome
  >
  /** Uses a verification link. `taken`: another user of the realm has proven the address before. */
  verifyEmail(
    caller: Caller,
    link: string,
  ): Promise<{ readonly kind: 'verified' } | { readonly kind: 'taken' } | LinkOutcome>
}
