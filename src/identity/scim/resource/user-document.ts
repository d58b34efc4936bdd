import type { Account, AccountChange } from '../../directory/directory.ts'
import { ScimError } from '../scim-error.ts'
import { USER_SCHEMA } from '../schema/user-schema.ts'
import type { ScimClient } from '../tokens/scim-client.ts'
import { type Document, type Element, elementOf, elementsOf, textOf } from './document.ts'
import { metaOf } from './meta.ts'
import type { Resource } from './resource-kind.ts'

/** A user as clients see it. */
export function userResource(account: Account, base: string): Resource {
  return {
    schemas: [USER_SCHEMA.id],
    id: account.subject,
    ...userDocument(account),
    meta: metaOf(USER_SCHEMA, account.subject, account, base),
  }
}

/** What clients may write of a user. Who has no user name, having never needed one, is shown by id. */
export function userDocument(account: Account): Document {
  const { email, givenName, familyName } = account
  const name = {
    ...(givenName === undefined ? {} : { givenName }),
    ...(familyName === undefined ? {} : { familyName }),
  }
  return {
    userName: shownName(account),
    ...(account.externalId === undefined ? {} : { externalId: account.externalId }),
    ...(account.displayName === undefined ? {} : { displayName: account.displayName }),
    ...(Object.keys(name).length === 0 ? {} : { name }),
    ...(email === undefined ? {} : { emails: [{ value: email, type: 'work', primary: true }] }),
    active: account.active,
  }
}

/** @throws ScimError `invalidValue` */
export function newAccount(document: Document, client: ScimClient): AccountChange {
  const said = valuesOf(document)
  return {
    ...said,
    active: document['active'] !== false,
    ...(said.email === null ? {} : { emailVerified: client.emailsVerified }),
  }
}

/**
 * What is different in the document. A document without `active` leaves that as it is: who is left
 * out does not come back by being forgotten.
 * @throws ScimError `invalidValue`
 */
export function accountChange(
  before: Account,
  document: Document,
  client: ScimClient,
): AccountChange {
  const said = valuesOf(document)
  const { active } = document
  const all: AccountChange = {
    ...said,
    ...(typeof active === 'boolean' ? { active } : {}),
  }
  const now: Readonly<Record<string, unknown>> = { ...before, userName: shownName(before) }
  const change: AccountChange = Object.fromEntries(
    Object.entries(all).filter(([name, value]) => (value ?? undefined) !== now[name]),
  )
  const isToBeVerified = change.email !== undefined || !before.emailVerified
  // Otherwise the directory decides: another address has not been verified.
  return client.emailsVerified && said.email !== null && isToBeVerified
    ? { ...change, emailVerified: true }
    : change
}

function valuesOf(document: Document) {
  const userName = textOf(document, 'userName')
  if (userName === undefined) throw new ScimError('invalidValue', 'a user has a userName')
  const { givenName, familyName } = elementOf(document, 'name')
  return {
    userName,
    externalId: textOf(document, 'externalId') ?? null,
    displayName: textOf(document, 'displayName') ?? null,
    givenName: typeof givenName === 'string' ? givenName : null,
    familyName: typeof familyName === 'string' ? familyName : null,
    email: emailOf(elementsOf(document, 'emails')),
  }
}

/** The address that is kept of several. */
function emailOf(emails: readonly Element[]): string | null {
  const isWork = ({ type }: Element) => typeof type === 'string' && type.toLowerCase() === 'work'
  const kept = emails.find((one) => one['primary'] === true) ?? emails.find(isWork) ?? emails[0]
  const value = kept?.['value']
  return typeof value === 'string' ? value : null
}

function shownName({ userName, subject }: Account): string {
  return userName ?? subject
}
