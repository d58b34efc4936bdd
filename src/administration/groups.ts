import { z } from 'zod'
import { anId, done, ifRevision, itemsOf, listed, revision, text, time } from './fields.ts'
import { operation } from './operation.ts'

const common = {
  id: z.string(),
  display_name: z.string(),
  external_id: z.string().nullable(),
  created_at: time,
  changed_at: time,
  revision,
}
const summarySchema = z.object(common).meta({ id: 'RealmGroupSummary' })
export const groupSchema = z
  .object({ ...common, members: z.array(z.string()) })
  .meta({ id: 'RealmGroup' })
export type WireGroup = z.output<typeof groupSchema>

const members = z.array(anId).max(10_000)
const tag = 'realm groups'
const group = { group: anId }

/** Members, and a name under which a provisioning client may give it others. */
const letsIn = (input: Readonly<Record<string, unknown>>) =>
  input['members'] !== undefined || typeof input['external_id'] === 'string'

/** Groups of users. */
export const GROUP_OPERATIONS = {
  listGroups: operation({
    ...{ method: 'get', path: '/groups', tag, status: 200 },
    summary: 'The groups of the realm, by id, without their members.',
    input: z.strictObject({
      display_name: text(200).optional(),
      member: anId.optional(),
      ...listed,
    }),
    output: itemsOf(summarySchema),
    keyOf: ({ id }: { readonly id: string }) => id,
  }),
  createGroup: operation({
    ...{ method: 'post', path: '/groups', tag, status: 201 },
    summary: 'Make a group.',
    input: z.strictObject({
      display_name: text(200),
      external_id: text(500).optional(),
      members: members.optional(),
    }),
    output: groupSchema,
    act: 'group.create',
    opens: letsIn,
    recorded: ['display_name'],
    tagged: true,
  }),
  getGroup: operation({
    ...{ method: 'get', path: '/groups/{group}', tag, status: 200 },
    summary: 'One group, with its members.',
    input: z.strictObject(group),
    output: groupSchema,
    tagged: true,
  }),
  updateGroup: operation({
    ...{ method: 'patch', path: '/groups/{group}', tag, status: 200 },
    summary: 'Change a group. `members` are all of them, in place of those before.',
    input: z.strictObject({
      ...group,
      display_name: text(200).optional(),
      external_id: text(500).nullable().optional(),
      members: members.optional(),
      ...ifRevision,
    }),
    output: groupSchema,
    act: 'group.update',
    opens: letsIn,
    recorded: ['group'],
    tagged: true,
    reads: 'getGroup',
  }),
  removeGroup: operation({
    ...{ method: 'delete', path: '/groups/{group}', tag, status: 200 },
    summary: 'Remove a group. Its members stay; what it gave them is gone.',
    input: z.strictObject({ ...group, ...ifRevision }),
    output: done,
    act: 'group.remove',
    recorded: ['group'],
    reads: 'getGroup',
  }),
  addGroupMember: operation({
    ...{ method: 'put', path: '/groups/{group}/members/{user}', tag, status: 200 },
    summary: 'Put a user into a group.',
    input: z.strictObject({ ...group, user: anId }),
    output: groupSchema,
    act: 'group.add-member',
    opens: true,
    recorded: ['group', 'user'],
  }),
  removeGroupMember: operation({
    ...{ method: 'delete', path: '/groups/{group}/members/{user}', tag, status: 200 },
    summary: 'Take a user out of a group.',
    input: z.strictObject({ ...group, user: anId }),
    output: groupSchema,
    act: 'group.remove-member',
    recorded: ['group', 'user'],
  }),
} as const
