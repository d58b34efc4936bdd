import { RingfenceError } from '../../core/errors.ts'
import type { Account, AccountChange } from './directory.ts'
import { foldEmail, foldName } from './fold-name.ts'

const TEXT_MAX = 200
const EXTERNAL_ID_MAX = 500
/** Controls, and what turns the direction of the text around it. */
const HARMFUL = /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u

/** What can be changed of an account, whole. */
export interface AccountValues {
  readonly userName: string | undefined
  readonly email: string | undefined
  readonly emailVerified: boolean
  readonly displayName: string | undefined
  readonly givenName: string | undefined
  readonly familyName: string | undefined
  readonly externalId: string | undefined
  readonly active: boolean
}

export const NEW_ACCOUNT: AccountValues = {
  userName: undefined,
  email: undefined,
  emailVerified: false,
  displayName: undefined,
  givenName: undefined,
  familyName: undefined,
  externalId: undefined,
  active: true,
}

/**
 * What an account is after a change. Another address has not been verified unless the change says so.
 * @throws RingfenceError `invalid_argument`
 */
export function changed(before: AccountValues, change: AccountChange): AccountValues {
  const userName = after(before.userName, change.userName)
  const email = after(before.email, change.email)
  const sameEmail = emailFolded(email) === emailFolded(before.email)
  if (change.emailVerified === true && email === undefined) {
    throw new RingfenceError('invalid_argument', 'there is no e-mail address to be verified')
  }
  if (userName !== undefined) foldName(userName)
  return {
    userName,
    email,
    emailVerified:
      email !== undefined && (change.emailVerified ?? (sameEmail && before.emailVerified)),
    displayName: text('a display name', after(before.displayName, change.displayName)),
    givenName: text('a given name', after(before.givenName, change.givenName)),
    familyName: text('a family name', after(before.familyName, change.familyName)),
    externalId: text(
      'an external id',
      after(before.externalId, change.externalId),
      EXTERNAL_ID_MAX,
    ),
    active: change.active ?? before.active,
  }
}

export function valuesOf(account: Account): AccountValues {
  const { userName, email, emailVerified, displayName, givenName, familyName } = account
  const { externalId, active } = account
  return {
    userName,
    email,
    emailVerified,
    displayName,
    givenName,
    familyName,
    externalId,
    active,
  }
}

/** `undefined` stays as it is; `null` and nothing at all take it away. */
function after(before: string | undefined, change: string | null | undefined): string | undefined {
  return change === undefined ? before : change || undefined
}

/**
 * Text that people read, harmless wherever it is shown.
 * @throws RingfenceError `invalid_argument`
 */
export function text(what: string, value: string, max?: number): string
export function text(what: string, value: string | undefined, max?: number): string | undefined
export function text(what: string, value: string | undefined, max = TEXT_MAX): string | undefined {
  if (value !== undefined && (value === '' || value.length > max || HARMFUL.test(value))) {
    throw new RingfenceError(
      'invalid_argument',
      `${what} has 1 to ${max} characters, without control characters`,
    )
  }
  return value
}

export const emailFolded = (email: string | undefined) =>
  email === undefined ? undefined : foldEmail(email)
