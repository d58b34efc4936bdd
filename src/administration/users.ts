import { z } from 'zod'
import {
  anId,
  done,
  email,
  ifRevision,
  itemsOf,
  listed,
  revision,
  scope,
  text,
  time,
} from './fields.ts'
import { operation } from './operation.ts'

export const userSchema = z
  .object({
    id: z.string(),
    user_name: z.string().nullable(),
    email: z.string().nullable(),
    email_verified: z.boolean(),
    display_name: z.string().nullable(),
    given_name: z.string().nullable(),
    family_name: z.string().nullable(),
    external_id: z.string().nullable(),
    active: z.boolean(),
    created_at: time,
    changed_at: time,
    revision,
  })
  .meta({ id: 'RealmUser' })
export type WireUser = z.output<typeof userSchema>

const authoritySchema = z
  .object({
    roles: z.array(z.string()),
    scopes: z.array(z.string()),
    placed_roles: z.array(z.string()).meta({
      description: 'Effective at a place alone, `role@place`, or withheld there, `!role@place`.',
    }),
  })
  .meta({ id: 'Authority' })

const names = {
  user_name: text(200),
  email,
  display_name: text(200),
  given_name: text(200),
  family_name: text(200),
  external_id: text(500),
}
const orNull = {
  user_name: names.user_name.nullable().optional(),
  email: names.email.nullable().optional(),
  display_name: names.display_name.nullable().optional(),
  given_name: names.given_name.nullable().optional(),
  family_name: names.family_name.nullable().optional(),
  external_id: names.external_id.nullable().optional(),
}
const flags = { email_verified: z.boolean().optional(), active: z.boolean().optional() }

const tag = 'realm users'
const user = { user: anId }

/** Names by which somebody signs in or is found by another provider, and being active again. */
const WAYS_IN = ['user_name', 'email', 'external_id'] as const
const letsIn = (change: Readonly<Record<string, unknown>>) =>
  WAYS_IN.some((name) => typeof change[name] === 'string') ||
  change['email_verified'] === true ||
  change['active'] === true

/** The users of a realm. */
export const USER_OPERATIONS = {
  listUsers: operation({
    ...{ method: 'get', path: '/users', tag, status: 200 },
    summary: 'The users of the realm, by id.',
    input: z.strictObject({
      user_name: names.user_name.optional(),
      email: names.email.optional(),
      external_id: names.external_id.optional(),
      ...listed,
    }),
    output: itemsOf(userSchema),
    keyOf: ({ id }: WireUser) => id,
  }),
  createUser: operation({
    ...{ method: 'post', path: '/users', tag, status: 201 },
    summary: 'Enter a user, who has no password yet: send an invitation next.',
    input: z.strictObject({
      id: anId
        .optional()
        .meta({ description: 'The `sub` of its tokens. Without it: one is made, at random.' }),
      user_name: names.user_name.optional(),
      email: names.email.optional(),
      display_name: names.display_name.optional(),
      given_name: names.given_name.optional(),
      family_name: names.family_name.optional(),
      external_id: names.external_id.optional(),
      ...flags,
    }),
    output: userSchema,
    act: 'user.create',
    opens: true,
    recorded: ['id'],
    tagged: true,
  }),
  getUser: operation({
    ...{ method: 'get', path: '/users/{user}', tag, status: 200 },
    summary: 'One user.',
    input: z.strictObject(user),
    output: userSchema,
    tagged: true,
  }),
  updateUser: operation({
    ...{ method: 'patch', path: '/users/{user}', tag, status: 200 },
    summary: 'Change what is said of a user. Made inactive, it has no access from now on.',
    input: z.strictObject({ ...user, ...orNull, ...flags, ...ifRevision }),
    output: userSchema,
    act: 'user.update',
    opens: letsIn,
    recorded: ['user', 'active'],
    tagged: true,
    reads: 'getUser',
  }),
  removeUser: operation({
    ...{ method: 'delete', path: '/users/{user}', tag, status: 200 },
    summary: 'Remove a user, and end all of its access now.',
    input: z.strictObject({ ...user, ...ifRevision }),
    output: done,
    act: 'user.remove',
    recorded: ['user'],
    reads: 'getUser',
  }),
  inviteUser: operation({
    ...{ method: 'post', path: '/users/{user}/invitation', tag, status: 200 },
    summary: 'Mail a link, good for seven days, by which the user sets a password.',
    input: z.strictObject(user),
    output: done,
    act: 'user.invite',
    opens: true,
    recorded: ['user'],
  }),
  resetUserPassword: operation({
    ...{ method: 'post', path: '/users/{user}/password-reset', tag, status: 200 },
    summary: 'Forget the password, end all access, and mail a link by which to set another.',
    input: z.strictObject(user),
    output: done,
    act: 'user.reset-password',
    opens: true,
    recorded: ['user'],
  }),
  resetUserFactors: operation({
    ...{ method: 'post', path: '/users/{user}/factor-reset', tag, status: 200 },
    summary: 'Take every second factor from a user who has lost them, and end all access.',
    input: z.strictObject(user),
    output: done,
    act: 'user.reset-factors',
    opens: true,
    recorded: ['user'],
  }),
  getUserAuthority: operation({
    ...{ method: 'get', path: '/users/{user}/authority', tag, status: 200 },
    summary: 'What the user may at this moment, from groups, roles and overrides.',
    input: z.strictObject(user),
    output: authoritySchema,
  }),
  listApiKeys: operation({
    ...{ method: 'get', path: '/users/{user}/api-keys', tag, status: 200 },
    summary: 'The API keys of a user, without their secrets.',
    input: z.strictObject({ ...user, ...listed }),
    output: itemsOf(
      z
        .object({
          id: z.string(),
          label: z.string(),
          scopes: z.array(scope),
          created_at: time,
          expires_at: time,
          used_at: time.nullable(),
        })
        .meta({ id: 'ApiKey' }),
    ),
    keyOf: ({ id }: { readonly id: string }) => id,
  }),
  revokeApiKey: operation({
    ...{ method: 'delete', path: '/users/{user}/api-keys/{key}', tag, status: 200 },
    summary: 'Take an API key back, and the tokens that it was exchanged for.',
    input: z.strictObject({ ...user, key: anId }),
    output: done,
    act: 'api-key.revoke',
    recorded: ['user', 'key'],
  }),
} as const
