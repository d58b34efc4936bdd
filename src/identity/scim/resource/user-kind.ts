import { parseSubject, type Subject } from '../../../core/names.ts'
import type { Account, AccountFilter, Directory } from '../../directory/directory.ts'
import type { Filter } from '../filter/filter.ts'
import { splitFilter } from '../filter/split-filter.ts'
import { USER_SCHEMA } from '../schema/user-schema.ts'
import { accountChange, newAccount, userDocument, userResource } from './user-document.ts'
import type { ResourceKind } from './resource-kind.ts'
import { directoryCondition } from './directory-condition.ts'
import { orUndefined } from './or-undefined.ts'

type Field = AccountFilter[number]['field']

const FIELDS: Readonly<Record<string, Field>> = {
  id: 'subject',
  externalId: 'externalId',
  userName: 'userName',
  displayName: 'displayName',
  'name.givenName': 'givenName',
  'name.familyName': 'familyName',
  emails: 'email',
  'emails.value': 'email',
}

/** Users of a realm. */
export function userKind(directory: Directory): ResourceKind<Account> {
  return {
    schema: USER_SCHEMA,
    async find(tenant, id) {
      const subject = subjectOf(id)
      return subject === undefined ? undefined : directory.account(tenant, subject)
    },
    select(tenant, filter) {
      const { conditions, rest } = splitFilter(filter, ['emails'], conditionOf)
      return { page: (request) => directory.accounts(tenant, request, conditions), rest }
    },
    show: userResource,
    documentOf: userDocument,
    create: (client, document) =>
      directory.createAccount(client.tenant, newAccount(document, client)),
    async change(client, before, document) {
      const change = accountChange(before, document, client)
      if (Object.keys(change).length === 0) return before
      return directory.changeAccount(client.tenant, before.subject, change, before.version)
    },
    remove: (tenant, id, version) => directory.removeAccount(tenant, parseSubject(id), version),
  }
}

/** A user without a user name is shown with one, which the directory does not know: see `userResource`. */
const conditionOf = (filter: Filter) =>
  filter.kind === 'present' && filter.at.attribute.name === 'userName'
    ? undefined
    : directoryCondition(filter, FIELDS)

function subjectOf(id: string): Subject | undefined {
  return orUndefined(() => parseSubject(id))
}
