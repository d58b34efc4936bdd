import { RingfenceError } from '../../../core/errors.ts'
import { parseSubject, type Subject } from '../../../core/names.ts'
import type { Directory, Group, GroupChange, GroupFilter } from '../../directory/directory.ts'
import { parseGroupId } from '../../directory/group-id.ts'
import { splitFilter } from '../filter/split-filter.ts'
import { GROUP_SCHEMA } from '../schema/group-schema.ts'
import { USER_SCHEMA } from '../schema/user-schema.ts'
import { ScimError } from '../scim-error.ts'
import { directoryCondition } from './directory-condition.ts'
import { type Document, elementsOf, textOf } from './document.ts'
import { locationOf, metaOf } from './meta.ts'
import { orUndefined } from './or-undefined.ts'
import type { Resource, ResourceKind } from './resource-kind.ts'

const FIELDS: Readonly<Record<string, GroupFilter[number]['field']>> = {
  id: 'id',
  externalId: 'externalId',
  displayName: 'displayName',
  'members.value': 'member',
}

/** Groups of a realm. */
export function groupKind(directory: Directory): ResourceKind<Group> {
  return {
    schema: GROUP_SCHEMA,
    async find(tenant, id) {
      const group = orUndefined(() => parseGroupId(id))
      return group === undefined ? undefined : directory.group(tenant, group)
    },
    select(tenant, filter) {
      const { conditions, rest } = splitFilter(filter, [], (one) =>
        // Of several members, that one is another says nothing of the rest.
        one.kind === 'compare' && one.op === 'ne' && one.at.attribute.name === 'members'
          ? undefined
          : directoryCondition(one, FIELDS),
      )
      return { page: (request) => directory.groups(tenant, request, conditions), rest }
    },
    show: (group, base) => ({
      schemas: [GROUP_SCHEMA.id],
      id: group.id,
      ...document(group, (member) => ({
        value: member,
        $ref: locationOf(USER_SCHEMA, member, base),
        type: USER_SCHEMA.name,
      })),
      meta: metaOf(GROUP_SCHEMA, group.id, group, base),
    }),
    documentOf: (group) => document(group, (value) => ({ value })),
    create: ({ tenant }, said) =>
      membersThere(directory.createGroup(tenant, { ...namesOf(said), members: membersOf(said) })),
    async change({ tenant }, before, said) {
      const change = changeOf(before, said)
      if (Object.keys(change).length === 0) return before
      return membersThere(directory.changeGroup(tenant, before.id, change, before.version))
    },
    remove: (tenant, id, version) => directory.removeGroup(tenant, parseGroupId(id), version),
  }
}

function document<Member extends Resource>(group: Group, memberOf: (member: Subject) => Member) {
  return {
    displayName: group.displayName,
    ...(group.externalId === undefined ? {} : { externalId: group.externalId }),
    ...(group.members.length === 0 ? {} : { members: group.members.map(memberOf) }),
  }
}

function changeOf(before: Group, said: Document): GroupChange {
  const { displayName, externalId } = namesOf(said)
  const members = [...new Set(membersOf(said))]
  const had = new Set(before.members)
  const same = members.length === had.size && members.every((one) => had.has(one))
  return {
    ...(displayName === before.displayName ? {} : { displayName }),
    ...((externalId ?? undefined) === before.externalId ? {} : { externalId }),
    ...(same ? {} : { members }),
  }
}

function namesOf(said: Document) {
  const displayName = textOf(said, 'displayName')
  if (displayName === undefined) throw new ScimError('invalidValue', 'a group has a displayName')
  return { displayName, externalId: textOf(said, 'externalId') ?? null }
}

function membersOf(said: Document): readonly Subject[] {
  return elementsOf(said, 'members').map(({ value }) => {
    const member = orUndefined(() => parseSubject(value))
    if (member === undefined) throw noMember()
    return member
  })
}

/** A member of another realm is as absent as a random one. A group that has gone meanwhile, too. */
async function membersThere(written: Promise<Group>): Promise<Group> {
  try {
    return await written
  } catch (error) {
    if (error instanceof RingfenceError && error.code === 'not_found') throw noMember()
    throw error
  }
}

function noMember(): ScimError {
  return new ScimError('invalidValue', 'a member of a group is a user of this realm')
}
