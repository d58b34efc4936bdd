import { USER_OPERATIONS } from '../../administration/users.ts'
import { RingfenceError } from '../../core/errors.ts'
import { parseSubject, type Subject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { Account, AccountChange } from '../directory/directory.ts'
import {
  doneNow,
  idOf,
  notFound,
  pageOf,
  type RealmHandlers,
  said,
  time,
} from './realm-handlers.ts'
import type { RealmServices } from './realm-services.ts'

type Services = Pick<
  RealmServices,
  'database' | 'directory' | 'signIn' | 'apiKeys' | 'endAccess' | 'realms'
>

export function userHandlers(services: Services): RealmHandlers<typeof USER_OPERATIONS> {
  const { directory, signIn, apiKeys } = services
  const there = async (tenant: TenantId, id: string): Promise<Account> => {
    const found = await directory.account(tenant, parseSubject(id))
    if (found === undefined) throw notFound('user')
    return found
  }
  return {
    async listUsers({ tenant, input }) {
      const { user_name: userName, email, external_id: externalId, limit, after } = input
      await expectRealm(services, tenant)
      const filter = Object.entries(said({ userName, email, externalId })).map(
        ([field, value]) => ({ field: field as 'userName', is: 'equal', value }) as const,
      )
      const later =
        after === undefined ? [] : [{ field: 'subject', is: 'after', value: after } as const]
      const page = await directory.accounts(tenant, { offset: 0, limit }, [...filter, ...later])
      return { items: page.items.map(wireUser) }
    },
    async createUser({ tenant, input: { id, ...fields }, call }) {
      if (fields.user_name === undefined && fields.email === undefined) {
        throw new RingfenceError('invalid_argument', 'a user has a user name or an e-mail address')
      }
      const wanted = id ?? idOf(tenant, 'user', call)
      const subject = wanted === undefined ? undefined : parseSubject(wanted)
      if (call.repeated === true && subject !== undefined) {
        const made = await directory.account(tenant, subject)
        if (made !== undefined) return wireUser(made)
      }
      return wireUser(await directory.createAccount(tenant, changeOf(fields), subject))
    },
    getUser: async ({ tenant, input }) => wireUser(await there(tenant, input.user)),
    async updateUser({ tenant, input: { user, if_revision, ...fields } }) {
      const subject = parseSubject(user)
      const change = changeOf(fields)
      return wireUser(await directory.changeAccount(tenant, subject, change, if_revision))
    },
    async removeUser({ tenant, input: { user, if_revision }, call }) {
      await unlessGone(call.repeated, () =>
        directory.removeAccount(tenant, parseSubject(user), if_revision),
      )
      return doneNow()
    },
    async inviteUser({ tenant, input }) {
      await signIn.links.invite(tenant, parseSubject(input.user))
      return doneNow()
    },
    async resetUserPassword({ tenant, input }) {
      const { subject, active, email } = await there(tenant, input.user)
      if (!active || email === undefined) {
        throw new RingfenceError(
          'conflict',
          'a user who is not active, or has no address, cannot be mailed a link',
        )
      }
      // First what keeps somebody out. A call that ends in between is made again.
      await forgetPassword(services, tenant, subject)
      await signIn.links.invite(tenant, subject)
      return doneNow()
    },
    async resetUserFactors({ tenant, input }) {
      await signIn.passwords.resetSecondFactors(tenant, parseSubject(input.user))
      return doneNow()
    },
    async getUserAuthority({ tenant, input }) {
      const authority = await directory.authority(tenant, parseSubject(input.user))
      if (authority === undefined) throw notFound('active user in an open realm')
      const { roles, scopes, placedRoles } = authority
      return { roles: [...roles], scopes: [...scopes], placed_roles: [...placedRoles] }
    },
    async listApiKeys({ tenant, input: { user, ...page } }) {
      const { subject } = await there(tenant, user)
      const keys = (await apiKeys.list(tenant, subject)).map((key) => ({
        id: key.id,
        label: key.label,
        scopes: [...key.scopes],
        created_at: time(key.createdAt),
        expires_at: time(key.expiresAt),
        used_at: key.usedAt?.toISOString() ?? null,
      }))
      return pageOf(keys, USER_OPERATIONS.listApiKeys.keyOf, page)
    },
    async revokeApiKey({ tenant, input: { user, key }, call }) {
      await unlessGone(call.repeated, () => apiKeys.remove(tenant, parseSubject(user), key))
      return doneNow()
    },
  }
}

/** What a call before this one has removed is what was asked for. */
export async function unlessGone(
  repeated: boolean | undefined,
  remove: () => Promise<void>,
): Promise<void> {
  try {
    await remove()
  } catch (error) {
    const gone = error instanceof RingfenceError && error.code === 'not_found'
    if (repeated !== true || !gone) throw error
  }
}

/** An empty list is one of a realm that is there. @throws RingfenceError `not_found` */
export async function expectRealm(
  { realms }: Pick<RealmServices, 'realms'>,
  tenant: TenantId,
): Promise<void> {
  if ((await realms.find(tenant)) === undefined) throw notFound('realm')
}

/** Nothing that was proven or issued by it is good any more. */
async function forgetPassword(
  { database, endAccess }: Services,
  tenant: TenantId,
  subject: Subject,
): Promise<void> {
  await database.transaction(async (rows) => {
    for (const table of ['password', 'sign_in_attempt']) {
      await rows.query(`delete from identity.${table} where tenant = $1 and subject = $2`, [
        tenant,
        subject,
      ])
    }
    await endAccess.ofSubject(rows, tenant, subject)
  })
}

interface Fields {
  readonly user_name?: string | null | undefined
  readonly email?: string | null | undefined
  readonly email_verified?: boolean | undefined
  readonly display_name?: string | null | undefined
  readonly given_name?: string | null | undefined
  readonly family_name?: string | null | undefined
  readonly external_id?: string | null | undefined
  readonly active?: boolean | undefined
}

function changeOf(fields: Fields): AccountChange {
  return said({
    userName: fields.user_name,
    email: fields.email,
    emailVerified: fields.email_verified,
    displayName: fields.display_name,
    givenName: fields.given_name,
    familyName: fields.family_name,
    externalId: fields.external_id,
    active: fields.active,
  })
}

function wireUser(account: Account) {
  return {
    id: account.subject,
    user_name: account.userName ?? null,
    email: account.email ?? null,
    email_verified: account.emailVerified,
    display_name: account.displayName ?? null,
    given_name: account.givenName ?? null,
    family_name: account.familyName ?? null,
    external_id: account.externalId ?? null,
    active: account.active,
    created_at: time(account.createdAt),
    changed_at: time(account.changedAt),
    revision: account.version,
  }
}
