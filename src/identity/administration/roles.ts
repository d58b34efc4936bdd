import { ROLE_OPERATIONS } from '../../administration/roles.ts'
import { RingfenceError } from '../../core/errors.ts'
import { parseSubject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import { parseGroupId } from '../directory/group-id.ts'
import type { Holds } from '../directory/role-administration.ts'
import { parsePlace, parseRoleName } from '../directory/role-name.ts'
import { doneNow, notFound, pageOf, type RealmHandlers } from './realm-handlers.ts'
import type { RealmServices } from './realm-services.ts'
import { expectRealm, unlessGone } from './users.ts'

export function roleHandlers(
  services: Pick<RealmServices, 'roles' | 'directory' | 'realms'>,
): RealmHandlers<typeof ROLE_OPERATIONS> {
  const { roles, directory } = services
  /** The holder, who is there. */
  const holder = async (tenant: TenantId, asked: Holder): Promise<Holds> => {
    if (asked.user !== undefined) {
      const subject = parseSubject(asked.user)
      if ((await directory.account(tenant, subject)) === undefined) throw notFound('user')
      return { subject }
    }
    if (asked.group === undefined) {
      throw new RingfenceError('invalid_argument', 'name a user or a group')
    }
    const group = parseGroupId(asked.group)
    if ((await directory.group(tenant, group)) === undefined) throw notFound('group')
    return { group }
  }
  return {
    async listRoles({ tenant, input }) {
      await expectRealm(services, tenant)
      const all = (await roles.roles(tenant)).map(({ name, description, scopes, includes }) => ({
        ...{ name, description },
        scopes: [...scopes],
        includes: [...includes],
      }))
      return pageOf(all, ROLE_OPERATIONS.listRoles.keyOf, input)
    },
    async putRole({ tenant, input: { role, description, scopes, includes } }) {
      const name = parseRoleName(role)
      const juniors = includes.map((one) => parseRoleName(one))
      await roles.putRole(tenant, { name, description, scopes, includes: juniors })
      return { name, description, scopes: [...new Set(scopes)].sort(), includes }
    },
    async removeRole({ tenant, input, call }) {
      await unlessGone(call.repeated, () => roles.removeRole(tenant, parseRoleName(input.role)))
      return doneNow()
    },
    async listBindings({ tenant, input: { user, group, ...page } }) {
      const of = await holder(tenant, { user, group })
      const all = (await roles.bindings(tenant, of)).map(({ role, place, effect }) => ({
        ...{ role, place, effect },
      }))
      return pageOf(all, ROLE_OPERATIONS.listBindings.keyOf, page)
    },
    async bindRole({ tenant, input: { role, place, effect, ...of } }) {
      const binding = { role: parseRoleName(role), place: parsePlace(place), effect }
      await roles.bind(tenant, await holder(tenant, of), binding)
      return binding
    },
    async unbindRole({ tenant, input: { role, place, ...of } }) {
      const who = await holder(tenant, of)
      await roles.unbind(tenant, who, parseRoleName(role), parsePlace(place))
      return doneNow()
    },
  }
}

interface Holder {
  readonly user?: string | undefined
  readonly group?: string | undefined
}
