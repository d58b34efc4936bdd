import { parseSubject } from '../../core/names.ts'
import { type AccountValues, emailFolded } from './account-values.ts'
import type { Account, AccountFilter } from './directory.ts'
import type { FilterColumn } from './filter-sql.ts'
import { foldName, foldText } from './fold-name.ts'

export const ACCOUNT_COLUMNS = `a.subject, a.user_name, a.email, a.email_verified, a.display_name,
  a.given_name, a.family_name, a.external_id, a.active, a.version, a.created_at, a.changed_at`

export interface AccountRow {
  readonly subject: string
  readonly user_name: string | null
  readonly email: string | null
  readonly email_verified: boolean
  readonly display_name: string | null
  readonly given_name: string | null
  readonly family_name: string | null
  readonly external_id: string | null
  readonly active: boolean
  /** A bigint. */
  readonly version: string
  readonly created_at: Date
  readonly changed_at: Date
}

export function accountOf(row: AccountRow): Account {
  return {
    subject: parseSubject(row.subject),
    userName: row.user_name ?? undefined,
    email: row.email ?? undefined,
    emailVerified: row.email_verified,
    displayName: row.display_name ?? undefined,
    givenName: row.given_name ?? undefined,
    familyName: row.family_name ?? undefined,
    externalId: row.external_id ?? undefined,
    active: row.active,
    version: Number(row.version),
    createdAt: row.created_at,
    changedAt: row.changed_at,
  }
}

/** The columns that a change sets, in the order of `writtenValues`. */
export const WRITTEN_COLUMNS = [
  'user_name',
  'user_name_folded',
  'email',
  'email_folded',
  'email_verified',
  'display_name',
  'display_name_folded',
  'given_name',
  'given_name_folded',
  'family_name',
  'family_name_folded',
  'external_id',
  'active',
] as const

/** @throws RingfenceError `invalid_argument` */
export function writtenValues(values: AccountValues): readonly (string | boolean | null)[] {
  const folded = (text: string | undefined) => (text === undefined ? null : foldText(text))
  return [
    values.userName ?? null,
    values.userName === undefined ? null : foldName(values.userName),
    values.email ?? null,
    emailFolded(values.email) ?? null,
    values.emailVerified,
    values.displayName ?? null,
    folded(values.displayName),
    values.givenName ?? null,
    folded(values.givenName),
    values.familyName ?? null,
    folded(values.familyName),
    values.externalId ?? null,
    values.active,
  ]
}

export const ACCOUNT_FILTER: Readonly<Record<AccountFilter[number]['field'], FilterColumn>> = {
  userName: { sql: 'a.user_name_folded', fold: foldText },
  email: { sql: 'a.email_folded', fold: foldText },
  externalId: { sql: 'a.external_id' },
  displayName: { sql: 'a.display_name_folded', fold: foldText },
  givenName: { sql: 'a.given_name_folded', fold: foldText },
  familyName: { sql: 'a.family_name_folded', fold: foldText },
  subject: { sql: 'a.subject' },
}
