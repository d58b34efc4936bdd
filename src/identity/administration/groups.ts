import type { GROUP_OPERATIONS } from '../../administration/groups.ts'
import { RingfenceError } from '../../core/errors.ts'
import { parseSubject, type Subject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { Group } from '../directory/directory.ts'
import { parseGroupId } from '../directory/group-id.ts'
import { doneNow, idOf, notFound, type RealmHandlers, said, time } from './realm-handlers.ts'
import type { RealmServices } from './realm-services.ts'
import { expectRealm, unlessGone } from './users.ts'

/** How often a change of members is tried while others change the same group. */
const TRIES = 5

export function groupHandlers(
  services: Pick<RealmServices, 'directory' | 'realms'>,
): RealmHandlers<typeof GROUP_OPERATIONS> {
  const { directory } = services
  const there = async (tenant: TenantId, id: string): Promise<Group> => {
    const found = await directory.group(tenant, parseGroupId(id))
    if (found === undefined) throw notFound('group')
    return found
  }
  const changeMembers = async (
    tenant: TenantId,
    id: string,
    change: (members: readonly Subject[]) => readonly Subject[],
  ) => {
    for (let attempt = 1; ; attempt += 1) {
      const group = await there(tenant, id)
      const members = change(group.members)
      try {
        return wireGroup(await directory.changeGroup(tenant, group.id, { members }, group.version))
      } catch (error) {
        const faster = error instanceof RingfenceError && error.code === 'precondition_failed'
        if (!faster || attempt >= TRIES) throw error
      }
    }
  }
  return {
    async listGroups({ tenant, input: { display_name: displayName, member, limit, after } }) {
      await expectRealm(services, tenant)
      const filter = Object.entries(said({ displayName, member })).map(
        ([field, value]) => ({ field: field as 'member', is: 'equal', value }) as const,
      )
      const later = after === undefined ? [] : [{ field: 'id', is: 'after', value: after } as const]
      const page = await directory.groups(tenant, { offset: 0, limit }, [...filter, ...later])
      return {
        items: page.items.map((group) => {
          const { members: _members, ...summary } = wireGroup(group)
          return summary
        }),
      }
    },
    async createGroup({ tenant, input, call }) {
      const made = idOf(tenant, 'group', call)
      const id = made === undefined ? undefined : parseGroupId(made)
      if (call.repeated === true && id !== undefined) {
        const before = await directory.group(tenant, id)
        if (before !== undefined) return wireGroup(before)
      }
      const { display_name: displayName, external_id: externalId, members } = input
      const group = {
        displayName,
        ...said({ externalId, members: members?.map((one) => parseSubject(one)) }),
      }
      return wireGroup(await directory.createGroup(tenant, group, id))
    },
    getGroup: async ({ tenant, input }) => wireGroup(await there(tenant, input.group)),
    async updateGroup({ tenant, input }) {
      const { group, if_revision, display_name: displayName, external_id: externalId } = input
      const members = input.members?.map((one) => parseSubject(one))
      const change = said({ displayName, externalId, members })
      return wireGroup(
        await directory.changeGroup(tenant, parseGroupId(group), change, if_revision),
      )
    },
    async removeGroup({ tenant, input: { group, if_revision }, call }) {
      await unlessGone(call.repeated, () =>
        directory.removeGroup(tenant, parseGroupId(group), if_revision),
      )
      return doneNow()
    },
    addGroupMember: ({ tenant, input: { group, user } }) => {
      const subject = parseSubject(user)
      return changeMembers(tenant, group, (members) =>
        members.includes(subject) ? members : [...members, subject],
      )
    },
    removeGroupMember: ({ tenant, input: { group, user } }) =>
      changeMembers(tenant, group, (members) => members.filter((one) => one !== user)),
  }
}

function wireGroup(group: Group) {
  return {
    id: group.id,
    display_name: group.displayName,
    external_id: group.externalId ?? null,
    created_at: time(group.createdAt),
    changed_at: time(group.changedAt),
    revision: group.version,
    members: [...group.members],
  }
}
